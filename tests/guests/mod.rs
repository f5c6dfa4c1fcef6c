//! Guests: their manifests, and installing, listing, checking and removing them.

mod commands;
mod manifests;
mod real;

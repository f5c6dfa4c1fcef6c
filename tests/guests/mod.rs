//! Guests: their manifests, and installing, listing, checking and removing them.

mod commands;
mod door;
mod manifests;
mod real;

//! The package's exceptions, raised with the text that the command line prints.

use std::error::Error;

use pyo3::PyTypeInfo;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::PyType;

/// An exception class of `goldstone._errors`.
#[derive(Clone, Copy)]
pub(crate) enum Class {
    Spec,
    Option,
    Reference,
    #[cfg(feature = "sandbox")]
    Sandbox,
    Engine,
}

impl Class {
    fn name(self) -> &'static str {
        match self {
            Self::Spec => "SpecError",
            Self::Option => "OptionError",
            Self::Reference => "BadReferenceError",
            #[cfg(feature = "sandbox")]
            Self::Sandbox => "SandboxError",
            Self::Engine => "EngineError",
        }
    }

    /// The exception with this text.
    pub(crate) fn error(self, py: Python<'_>, text: impl Into<String>) -> PyErr {
        let found = py
            .import("goldstone._errors")
            .and_then(|errors| errors.getattr(self.name()))
            .and_then(|class| Ok(class.cast_into::<PyType>()?));
        match found {
            Ok(class) => PyErr::from_type(class, (text.into(),)),
            Err(error) => error,
        }
    }
}

/// An error and what caused it, in one line.
pub(crate) fn chain(error: &dyn Error) -> String {
    match error.source() {
        Some(source) => format!("{error}: {}", chain(source)),
        None => error.to_string(),
    }
}

/// Whether `value` is of the class `name` of a module of the standard library.
pub(crate) fn is_instance(
    cell: &PyOnceLock<Py<PyType>>,
    value: &Bound<'_, PyAny>,
    module: &str,
    name: &str,
) -> PyResult<bool> {
    value.is_instance(cell.import(value.py(), module, name)?)
}

/// The name of a value's class.
pub(crate) fn class_name(value: &Bound<'_, PyAny>) -> String {
    let name = value.get_type().qualname();
    name.map_or_else(|_| "?".to_owned(), |name| name.to_string())
}

/// Whether a value is exactly of a built-in class, and not of one derived from it.
pub(crate) fn is_exactly<T: PyTypeInfo>(value: &Bound<'_, PyAny>) -> bool {
    value.is_exact_instance_of::<T>()
}

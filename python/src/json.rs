//! Python values as JSON text: what a row's field has, for the library to read.
//!
//! Numbers are written as Python writes them, strings with lone surrogates as
//! `json.dumps` does, so that a row means what the same row in a file would. What JSON
//! has no form for is a [`Fault`] that names the place.

use std::io::Write;

use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyBool, PyDict, PyFloat, PyInt, PyList, PyMapping, PyString, PyTuple, PyType};

use crate::errors::{class_name, is_exactly, is_instance};

/// Deepest nesting of a field; serde_json reads no deeper. A cycle ends here as well.
const MAX_DEPTH: usize = 120;

/// Levels of a place that an error shows.
const SHOWN_DEPTH: usize = 8;

/// Why a value is not written.
pub(crate) enum Fault {
    /// The value is of no use; which one of the row's.
    Value(Place),
    /// Code of the value's own class raised.
    Raised(PyErr),
}

/// What is wrong, and where in the field.
pub(crate) struct Place {
    /// Names and positions, innermost first.
    tokens: Vec<String>,
    /// Continues the sentence "field `…` …".
    pub(crate) problem: String,
}

impl From<PyErr> for Fault {
    fn from(error: PyErr) -> Self {
        Self::Raised(error)
    }
}

impl Place {
    /// A field that has bytes, which are no text until somebody says of what encoding.
    pub(crate) fn bytes() -> Self {
        Self {
            tokens: Vec::new(),
            problem: "is bytes; decode them to a string".to_owned(),
        }
    }

    /// The place below the field `name`, as a JSON pointer; of a deep one, its begin.
    pub(crate) fn pointer(&self, name: &str) -> String {
        let tokens = self.tokens.iter().rev().map(String::as_str);
        let tokens = tokens.take(SHOWN_DEPTH);
        let escaped = std::iter::once(name)
            .chain(tokens)
            .map(|token| format!("/{}", token.replace('~', "~0").replace('/', "~1")));
        escaped.collect()
    }
}

fn fault(problem: impl Into<String>) -> Fault {
    Fault::Value(Place {
        tokens: Vec::new(),
        problem: problem.into(),
    })
}

/// Writes one value.
pub(crate) fn write(value: &Bound<'_, PyAny>, out: &mut Vec<u8>) -> Result<(), Fault> {
    write_at(value, 0, out)
}

fn write_at(value: &Bound<'_, PyAny>, depth: usize, out: &mut Vec<u8>) -> Result<(), Fault> {
    if depth > MAX_DEPTH {
        return Err(fault(format!("is nested deeper than {MAX_DEPTH} levels")));
    }
    if let Ok(text) = value.cast::<PyString>() {
        return write_text(text, out);
    }
    if value.is_none() {
        out.extend(b"null");
        return Ok(());
    }
    if let Ok(flag) = value.cast::<PyBool>() {
        out.extend(if flag.is_true() {
            &b"true"[..]
        } else {
            b"false"
        });
        return Ok(());
    }
    if let Ok(number) = value.cast::<PyInt>() {
        return write_whole(number, out);
    }
    if let Ok(number) = value.cast::<PyFloat>() {
        return write_float(number, out);
    }
    if let Ok(list) = value.cast::<PyList>() {
        return write_items(list.iter(), depth, out);
    }
    if let Ok(tuple) = value.cast::<PyTuple>() {
        return write_items(tuple.iter(), depth, out);
    }
    if let Ok(map) = value.cast::<PyDict>() {
        // A copy: code of the values' classes may change the dictionary.
        return write_entries(&map.items(), depth, out);
    }
    write_other(value, depth, out)
}

/// Values whose classes say what they are as plain Python.
fn write_other(value: &Bound<'_, PyAny>, depth: usize, out: &mut Vec<u8>) -> Result<(), Fault> {
    static DECIMAL: PyOnceLock<Py<PyType>> = PyOnceLock::new();
    static RATIONAL: PyOnceLock<Py<PyType>> = PyOnceLock::new();
    if is_instance(&DECIMAL, value, "decimal", "Decimal")? {
        return match value.call_method0("is_finite")?.is_truthy()? {
            true => write_text(&value.str()?, out),
            false => Err(fault(format!(
                "is {}, which is no number",
                value.str()?.to_string_lossy()
            ))),
        };
    }
    if is_instance(&RATIONAL, value, "numbers", "Rational")? && !value.hasattr("tolist")? {
        return write_text(&value.str()?, out);
    }
    if let Ok(map) = value.cast::<PyMapping>() {
        return write_entries(&map.items()?, depth, out);
    }
    // Arrays and scalars of NumPy, PyTorch and their like; models of pydantic.
    for plain in ["tolist", "model_dump"] {
        if let Some(method) = value.getattr_opt(plain)?
            && method.is_callable()
            && !value.is_instance_of::<PyType>()
        {
            return write_at(&method.call0()?, depth + 1, out);
        }
    }
    let class = class_name(value);
    Err(match class.as_str() {
        "bytes" | "bytearray" => Fault::Value(Place::bytes()),
        _ => fault(format!(
            "is of the class `{class}`, which JSON has no form for"
        )),
    })
}

fn write_whole(number: &Bound<'_, PyInt>, out: &mut Vec<u8>) -> Result<(), Fault> {
    if let Ok(small) = number.extract::<i64>() {
        write!(out, "{small}").expect("a vector takes bytes");
        return Ok(());
    }
    // That of the class `int`: an enumeration has another.
    let digits = number
        .py()
        .get_type::<PyInt>()
        .call_method1("__repr__", (number,))
        .map_err(|_| fault("is a whole number of more digits than Python writes"))?;
    out.extend(
        digits
            .cast::<PyString>()
            .map_err(PyErr::from)?
            .to_str()?
            .bytes(),
    );
    Ok(())
}

fn write_float(number: &Bound<'_, PyFloat>, out: &mut Vec<u8>) -> Result<(), Fault> {
    let value = number.value();
    if !value.is_finite() {
        let name = match value {
            value if value.is_nan() => "NaN",
            value if value > 0.0 => "infinite",
            _ => "minus infinity",
        };
        return Err(fault(format!("is {name}, which JSON has no form for")));
    }
    let digits = match is_exactly::<PyFloat>(number) {
        true => number.repr()?,
        false => PyFloat::new(number.py(), value).repr()?,
    };
    out.extend(digits.to_str()?.bytes());
    Ok(())
}

/// A string, quoted. Surrogates that stand alone stay escapes.
pub(crate) fn write_text(text: &Bound<'_, PyString>, out: &mut Vec<u8>) -> Result<(), Fault> {
    if let Ok(text) = text.to_str() {
        serde_json::to_writer(out, text).expect("a vector takes bytes");
        return Ok(());
    }
    let units = text.call_method1("encode", ("utf-16-le", "surrogatepass"))?;
    let units: Vec<u8> = units.extract()?;
    let units = units
        .chunks_exact(2)
        .map(|unit| u16::from_le_bytes([unit[0], unit[1]]));
    out.push(b'"');
    for read in char::decode_utf16(units) {
        match read {
            Ok(char @ ('"' | '\\' | '\0'..='\x1f')) => {
                write!(out, "\\u{:04x}", u32::from(char)).expect("a vector takes bytes");
            }
            Ok(char) => write!(out, "{char}").expect("a vector takes bytes"),
            Err(alone) => {
                let unit = alone.unpaired_surrogate();
                write!(out, "\\u{unit:04x}").expect("a vector takes bytes");
            }
        }
    }
    out.push(b'"');
    Ok(())
}

fn write_items<'py>(
    items: impl Iterator<Item = Bound<'py, PyAny>>,
    depth: usize,
    out: &mut Vec<u8>,
) -> Result<(), Fault> {
    out.push(b'[');
    for (index, item) in items.enumerate() {
        if index > 0 {
            out.push(b',');
        }
        write_at(&item, depth + 1, out).map_err(|fault| within(fault, || index.to_string()))?;
    }
    out.push(b']');
    Ok(())
}

fn write_entries(
    entries: &Bound<'_, PyList>,
    depth: usize,
    out: &mut Vec<u8>,
) -> Result<(), Fault> {
    out.push(b'{');
    for (index, entry) in entries.iter().enumerate() {
        let (key, value): (Bound<'_, PyAny>, Bound<'_, PyAny>) = entry.extract()?;
        if index > 0 {
            out.push(b',');
        }
        let Ok(key) = key.cast::<PyString>() else {
            return Err(fault(format!(
                "has a key of the class `{}`; keys are strings",
                class_name(&key)
            )));
        };
        write_text(key, out)?;
        out.push(b':');
        write_at(&value, depth + 1, out)
            .map_err(|fault| within(fault, || key.to_string_lossy().into_owned()))?;
    }
    out.push(b'}');
    Ok(())
}

fn within(fault: Fault, token: impl FnOnce() -> String) -> Fault {
    match fault {
        Fault::Value(mut place) => {
            place.tokens.push(token());
            Fault::Value(place)
        }
        raised => raised,
    }
}

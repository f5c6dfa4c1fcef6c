//! A spec from its name, its file or its text, with the grammars that it names: what
//! a pickled scorer carries to where the files are not.

use std::cell::RefCell;
use std::fs;
use std::path::Path;

use goldstone::load::{self, LoadError};
use goldstone::reward::{Scorer, SpecSource};
use pyo3::prelude::*;

use crate::errors::{Class, chain};

/// A compiled spec and what it was compiled from.
#[pyclass(frozen, module = "goldstone._goldstone")]
pub(crate) struct Spec {
    scorer: Scorer,
    /// What mistakes are reported of: a name or a path.
    #[pyo3(get)]
    origin: String,
    /// The texts of the grammars, by their names in the spec.
    #[pyo3(get)]
    grammars: Vec<(String, String)>,
}

#[pymethods]
impl Spec {
    /// A spec by what `Scorer` takes: a shipped name, the path of a file, or TOML text.
    #[staticmethod]
    fn load(py: Python<'_>, source: &str) -> PyResult<Self> {
        if let Some(shipped) = load::shipped().find(|shipped| shipped.name == source) {
            let shipped_grammar = |path: &str| Err(format!("a shipped spec has no file `{path}`"));
            return Self::compile(py, shipped.name, shipped.text, &shipped_grammar);
        }
        // No path has a line break or an equals sign with a key before it.
        if source.contains('\n') || source.contains(" = ") {
            return Self::compile(py, "<spec>", source, &|path| read(Path::new(path)));
        }
        let path = Path::new(source);
        match fs::read_to_string(path) {
            Ok(text) => {
                let folder = path.parent().unwrap_or(Path::new(""));
                Self::compile(py, source, &text, &|name| read(&folder.join(name)))
            }
            // The library words why not.
            Err(_) => match load::spec(source) {
                Ok(scorer) => Ok(Self {
                    origin: source.to_owned(),
                    grammars: Vec::new(),
                    scorer,
                }),
                Err(error) => Err(failed(py, &error)),
            },
        }
    }

    /// A spec from the parts of another.
    #[staticmethod]
    fn from_parts(
        py: Python<'_>,
        origin: &str,
        text: &str,
        grammars: Vec<(String, String)>,
    ) -> PyResult<Self> {
        Self::compile(py, origin, text, &|wanted| {
            let found = grammars.iter().find(|(name, _)| name == wanted);
            let (_, text) = found.ok_or_else(|| format!("there is no grammar `{wanted}`"))?;
            Ok(text.clone())
        })
    }

    #[getter]
    fn text(&self) -> &str {
        self.scorer.text()
    }

    #[getter]
    fn name(&self) -> &str {
        self.scorer.name()
    }

    #[getter]
    fn description(&self) -> &str {
        self.scorer.description()
    }

    #[getter]
    fn sha256(&self) -> &str {
        self.scorer.spec_sha256()
    }

    #[getter]
    fn rewards(&self) -> Vec<&str> {
        self.scorer.rewards().iter().map(|name| &**name).collect()
    }

    #[getter]
    fn weights(&self) -> Vec<f64> {
        self.scorer.weights().collect()
    }

    /// The rewards that judge the answer, in the spec's order.
    #[getter]
    fn solvers(&self) -> Vec<&str> {
        self.scorer.solvers().map(|name| &**name).collect()
    }

    #[getter]
    fn adds_up(&self) -> bool {
        self.scorer.adds_up()
    }

    /// The same spec, in which what cannot be decided pays as what is wrong does.
    fn unknown_as_wrong(&self) -> Self {
        Self {
            scorer: self.scorer.clone().unknown_as_wrong(),
            origin: self.origin.clone(),
            grammars: self.grammars.clone(),
        }
    }

    #[getter]
    fn needs_groups(&self) -> bool {
        self.scorer.needs_groups()
    }
}

impl Spec {
    fn compile(
        py: Python<'_>,
        origin: &str,
        text: &str,
        grammar: &dyn Fn(&str) -> Result<String, String>,
    ) -> PyResult<Self> {
        let read = RefCell::new(Vec::new());
        let remembered = |name: &str| {
            let text = grammar(name)?;
            read.borrow_mut().push((name.to_owned(), text.clone()));
            Ok(text)
        };
        let source = SpecSource {
            text,
            origin,
            grammar: &remembered,
        };
        match Scorer::compile(source) {
            Ok(scorer) => Ok(Self {
                scorer,
                origin: origin.to_owned(),
                grammars: read.into_inner(),
            }),
            Err(error) => Err(failed(py, &LoadError::Spec(error))),
        }
    }

    pub(crate) fn scorer(&self) -> &Scorer {
        &self.scorer
    }
}

/// The names and texts of the specs that come with goldstone.
#[pyfunction]
pub(crate) fn shipped() -> Vec<(&'static str, &'static str)> {
    load::shipped()
        .map(|shipped| (shipped.name, shipped.text))
        .collect()
}

fn read(path: &Path) -> Result<String, String> {
    fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))
}

fn failed(py: Python<'_>, error: &LoadError) -> PyErr {
    Class::Spec.error(py, chain(error))
}

//! The copy of a recipe that a run keeps: it can be trained from where it lies.
//!
//! Relative paths are relative to a recipe's file, and the copy is another one. A
//! comment line at the end of the text, `#: folder "/home/me/project"`, says where
//! they begin; the text without it is the recipe to the letter, which a resume
//! compares. Of a recipe whose last line does not end, the line does not either.

use std::borrow::Cow;
use std::path::{Path, PathBuf};

use super::Recipe;
use crate::load;

/// What begins the line.
const MARK: &str = "#: folder ";

impl Recipe {
    /// The text of a copy that may lie anywhere; the recipe's own where it has no
    /// relative path.
    #[must_use]
    pub fn copy(&self) -> String {
        if !self.has_relative_paths() {
            return self.text.clone();
        }
        let here = match self.folder.as_os_str().is_empty() {
            true => Path::new("."),
            false => &self.folder,
        };
        // A folder that cannot be found, or has no name in one line, cannot be named.
        let folder = here.canonicalize().ok();
        let folder = folder.as_deref().and_then(Path::to_str);
        let Some(folder) = folder.filter(|name| !name.contains(char::is_control)) else {
            return self.text.clone();
        };
        let folder = toml::Value::String(folder.to_owned());
        match self.text.ends_with('\n') {
            true => format!("{}{MARK}{folder}\n", self.text),
            false => format!("{}\n{MARK}{folder}", self.text),
        }
    }

    fn has_relative_paths(&self) -> bool {
        let tokenizer = self.model.tokenizer.as_ref();
        let tokenizer = tokenizer.and_then(|tokenizer| tokenizer.path.as_deref());
        let model = self.model.path.as_deref().into_iter();
        let tasks = self.tasks.values().filter_map(|task| task.file.as_deref());
        let is_shipped = |name: &str| load::shipped().any(|shipped| shipped.name == name);
        let specs = self.scorers.keys().map(Path::new);
        let specs = specs.filter(|name| {
            !name.to_str().is_some_and(is_shipped) && self.folder.join(name).is_file()
        });
        let mut named = model.chain(tokenizer).chain(tasks).chain(specs);
        named.any(Path::is_relative)
    }
}

/// A text without the line of a copy, and the folder that it names.
pub(super) fn apart(text: &str) -> (Cow<'_, str>, Option<PathBuf>) {
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        let end = start + line.len();
        if let Some(folder) = line.strip_prefix(MARK)
            && let Ok(toml::Value::String(folder)) = folder.trim().parse()
        {
            let before = match line.ends_with('\n') {
                true => &text[..start],
                false => text[..start].strip_suffix('\n').unwrap_or(""),
            };
            let rest = format!("{before}{}", &text[end..]);
            return (rest.into(), Some(folder.into()));
        }
        start = end;
    }
    (text.into(), None)
}

#[cfg(test)]
mod tests {
    use super::apart;

    #[test]
    fn the_line_is_found_among_settings() {
        let recipe = "version = 1\n#: set seed = 2\n";
        assert_eq!(apart(recipe), (recipe.into(), None));
        let copy = format!("{recipe}#: folder \"/home/me\"\n#: set seed = 3\n");
        let (text, folder) = apart(&copy);
        assert_eq!(text, format!("{recipe}#: set seed = 3\n"));
        assert_eq!(folder.unwrap().to_str(), Some("/home/me"));
        let unended = "version = 1\n#: folder '/home/me'";
        assert_eq!(apart(unended).0, "version = 1");
        // A person's own remark.
        for remark in ["#: folder of mine\n", "# folder \"/home/me\"\n"] {
            assert_eq!(apart(remark).1, None, "{remark}");
        }
    }
}

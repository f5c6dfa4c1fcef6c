//! The copy of a recipe that a run keeps: it can be trained from where it lies.
//!
//! Relative paths are relative to a recipe's file, a recipe without a name is called
//! as its file is, and the copy is another one. Comment lines at the end of the text,
//! `#: folder "/home/me/project"` and `#: name "mine"`, say what they were; the text
//! without them is the recipe to the letter, which a resume compares. Of a recipe
//! whose last line does not end, the last of them does not either.

use std::borrow::Cow;
use std::path::{Path, PathBuf};

use super::Recipe;
use crate::load;

/// What begins the line of the folder.
const FOLDER: &str = "#: folder ";
/// What begins the line of the name.
const NAME: &str = "#: name ";
/// What begins every line that is no part of the recipe's own text.
const MARK: &str = "#:";

/// What a copy says besides the recipe.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Origin {
    /// Where relative paths begin.
    pub(super) folder: Option<PathBuf>,
    /// What the recipe is called that names itself nothing.
    pub(super) name: Option<String>,
}

impl Recipe {
    /// The text of a copy that may lie anywhere; the recipe's own where it has no
    /// relative path and a name.
    #[must_use]
    pub fn copy(&self) -> String {
        let folder = match self.has_relative_paths() {
            true => self.whole_folder(),
            false => None,
        };
        let name = (!self.is_named).then(|| self.name.clone());
        let lines = [(FOLDER, folder), (NAME, name)];
        // What has no name in one line cannot be named.
        let lines = lines.into_iter().filter_map(|(mark, value)| {
            let value = value.filter(|value| !value.contains(char::is_control))?;
            Some(format!("{mark}{}", toml::Value::String(value)))
        });
        let mut text = self.text.clone();
        let is_ended = text.ends_with('\n');
        for line in lines {
            match is_ended {
                true => text += &format!("{line}\n"),
                false => text += &format!("\n{line}"),
            }
        }
        text
    }

    /// The recipe's folder as it is found from anywhere, where it can be.
    fn whole_folder(&self) -> Option<String> {
        let here = match self.folder.as_os_str().is_empty() {
            true => Path::new("."),
            false => &self.folder,
        };
        let folder = here.canonicalize().ok()?;
        folder.to_str().map(str::to_owned)
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

/// A text without the lines of a copy, and what they say. They stand among the last
/// lines, which are all marked: elsewhere a text may quote one.
pub(super) fn apart(text: &str) -> (Cow<'_, str>, Origin) {
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    let is_marked = |line: &&&str| line.starts_with(MARK) || line.trim().is_empty();
    let marked = lines.iter().rev().take_while(is_marked).count();
    let (own, last) = lines.split_at(lines.len() - marked);
    let mut kept = own.concat();
    let mut origin = Origin::default();
    for line in last {
        if let Some(folder) = said(line, FOLDER).filter(|_| origin.folder.is_none()) {
            origin.folder = Some(folder.into());
        } else if let Some(name) = said(line, NAME).filter(|_| origin.name.is_none()) {
            origin.name = Some(name);
        } else {
            kept += line;
            continue;
        }
        // The line before ended for this one's sake.
        if !line.ends_with('\n') && kept.ends_with('\n') {
            kept.pop();
        }
    }
    match origin == Origin::default() {
        true => (text.into(), origin),
        false => (kept.into(), origin),
    }
}

/// What a line says that begins with this mark.
fn said(line: &str, mark: &str) -> Option<String> {
    match line.strip_prefix(mark)?.trim().parse() {
        Ok(toml::Value::String(value)) => Some(value),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::{Origin, apart};

    #[test]
    fn the_lines_are_found_among_settings() {
        let folder_of = |text: &str| apart(text).1.folder;
        let recipe = "version = 1\n#: set seed = 2\n";
        assert_eq!(apart(recipe), (recipe.into(), Origin::default()));
        let copy = format!("{recipe}#: folder \"/home/me\"\n#: set seed = 3\n#: name \"mine\"\n");
        let (text, origin) = apart(&copy);
        assert_eq!(text, format!("{recipe}#: set seed = 3\n"));
        assert_eq!(origin.folder.unwrap().to_str(), Some("/home/me"));
        assert_eq!(origin.name.as_deref(), Some("mine"));
        let unended = "version = 1\n#: folder '/home/me'";
        assert_eq!(apart(unended).0, "version = 1");
        let both = "version = 1\n#: folder '/home/me'\n#: name 'mine'";
        assert_eq!(apart(both).0, "version = 1");
        // A person's own remark.
        for remark in ["#: folder of mine\n", "# folder \"/home/me\"\n"] {
            assert_eq!(folder_of(remark), None, "{remark}");
        }
        // What is quoted is no line of ours.
        let quoted = "version = 1\ndescription = \"\"\"\n#: folder \"/elsewhere\"\n\"\"\"\n";
        assert_eq!(apart(quoted), (quoted.into(), Origin::default()));
        let copy = format!("{quoted}#: folder \"/home/me\"\n");
        assert_eq!(apart(&copy).0, quoted);
        assert_eq!(folder_of(&copy).unwrap().to_str(), Some("/home/me"));
    }
}

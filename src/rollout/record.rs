//! One line of JSON as named raw values, and the rollout taken out of it.

use std::borrow::Cow;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::fields::Rest;
use super::text::LossyString;
use super::{FieldMap, Grouping, Message, Pointer, Reference, Rollout, Text, prompt_group};

/// What messages say of where a spec names fields; others who read records name
/// another place.
pub(crate) const ELSEWHERE: &str = "`[input]` of the spec";

/// A JSON object whose values are still text: nothing is copied or converted
/// until a field is asked for, and columns can be written out unchanged.
#[derive(Clone, Debug)]
pub struct Record<'l> {
    entries: Vec<(Cow<'l, str>, Cow<'l, RawValue>)>,
}

/// A line that is not a JSON object.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{problem}")]
pub struct RecordError {
    /// What is wrong, and what would be right.
    pub problem: String,
    /// Where in the line, 1-based in bytes, if known.
    pub column: Option<usize>,
}

/// A record that is no rollout: the field at fault and what it should be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("field `{field}` {problem}")]
pub struct RolloutError {
    /// JSON pointer of the field.
    pub field: String,
    /// What is wrong, and what would be right; continues "field `…` …".
    pub problem: String,
}

impl<'l> Record<'l> {
    /// Reads one line.
    ///
    /// # Errors
    /// [`RecordError`] for bytes that are not UTF-8, not JSON or not an object,
    /// and for an object that names a field twice.
    pub fn parse(line: &'l [u8]) -> Result<Self, RecordError> {
        let text = std::str::from_utf8(line).map_err(|error| RecordError {
            problem: "not valid UTF-8".to_owned(),
            column: Some(error.valid_up_to() + 1),
        })?;
        let record: Self = serde_json::from_str(text).map_err(|error| RecordError {
            problem: describe(&error, text),
            column: (error.column() > 0).then_some(error.column()),
        })?;
        let mut names: Vec<&str> = record
            .entries
            .iter()
            .map(|(name, _)| name.as_ref())
            .collect();
        names.sort_unstable();
        match names.windows(2).find(|pair| pair[0] == pair[1]) {
            Some(pair) => Err(RecordError {
                problem: format!("the object names `{}` twice", pair[0]),
                column: None,
            }),
            None => Ok(record),
        }
    }

    /// The names and the unparsed JSON of all fields, in order.
    pub fn columns(&self) -> impl Iterator<Item = (&str, &str)> {
        self.entries
            .iter()
            .map(|(name, value)| (name.as_ref(), value.get()))
    }

    /// The value of a top-level field as it stands in the line, unless it is null.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<&'l RawValue> {
        let (_, value) = self.entries.iter().find(|(field, _)| field == name)?;
        match value {
            Cow::Borrowed(raw) if raw.get() != "null" => Some(raw),
            _ => None,
        }
    }

    /// Puts a value in the place of the field's, or behind all others.
    pub(super) fn set(&mut self, name: &'static str, value: Cow<'l, RawValue>) {
        match self.entries.iter_mut().find(|(field, _)| field == name) {
            Some((_, old)) => *old = value,
            None => self.entries.push((Cow::Borrowed(name), value)),
        }
    }

    pub(super) fn remove(&mut self, name: &str) {
        self.entries.retain(|(field, _)| field != name);
    }

    /// Renames a field, unless the new name is taken.
    pub(super) fn rename(&mut self, name: &str, to: &str) {
        if self.entries.iter().any(|(field, _)| field == to) {
            return;
        }
        if let Some((field, _)) = self.entries.iter_mut().find(|(field, _)| field == name) {
            *field = Cow::Owned(to.to_owned());
        }
    }

    /// The JSON at `pointer` as it stands; `None` where it is missing or null.
    pub(crate) fn raw_at(&self, pointer: &Pointer) -> Option<Cow<'l, RawValue>> {
        self.raw(pointer).ok().flatten()
    }

    /// The value at `pointer`; `None` where it is missing, null or no valid JSON.
    #[must_use]
    pub fn value_at(&self, pointer: &Pointer) -> Option<Value> {
        self.value(pointer).ok().flatten()
    }

    /// Takes a rollout out of the record. `default_id` names a rollout that has
    /// no `id` (readers pass the line number).
    ///
    /// # Errors
    /// [`RolloutError`] when the completion is missing or a field has the wrong
    /// type. A field that is `null` counts as missing.
    pub fn rollout(&self, fields: &FieldMap, default_id: &str) -> Result<Rollout, RolloutError> {
        self.rollout_for(fields, fields, default_id)
    }

    /// The same, with the native fields where `fields` has them, and of `spec` what
    /// decides and which other columns are kept.
    pub(super) fn rollout_for(
        &self,
        fields: &FieldMap,
        spec: &FieldMap,
        default_id: &str,
    ) -> Result<Rollout, RolloutError> {
        let prompt = match self.raw(&fields.prompt)? {
            Some(raw) => text(&fields.prompt, raw.get())?,
            None => Text::default(),
        };
        let completion = match self.raw(&fields.completion)? {
            Some(raw) => text(&fields.completion, raw.get())?,
            None => return Err(fault(&fields.completion, self.missing(&fields.completion))),
        };
        let id = self
            .name(&fields.id)?
            .unwrap_or_else(|| default_id.to_owned());
        let given = self.name(&fields.group)?.filter(|group| !group.is_empty());
        let (group, grouping) = match given {
            Some(group) if prompt.is_empty() => {
                let grouping = Grouping::given(self, &id, &group);
                (group, grouping)
            }
            Some(group) => (group, Grouping::Told),
            // Rows without a prompt share nothing: each is its own group.
            None if prompt.is_empty() => (id.clone(), Grouping::Untold),
            None => (prompt_group(&prompt), Grouping::Told),
        };
        Ok(Rollout {
            id,
            group,
            grouping,
            sample_index: spec.optional("sample_index", self.count(&fields.sample_index))?,
            task: spec.optional("task", self.string(&fields.task))?,
            data_source: spec.optional("data_source", self.string(&fields.data_source))?,
            prompt,
            completion,
            reference: self.reference(&fields.reference)?,
            tests: spec.optional("tests", self.tests(&fields.tests))?,
            language: spec.optional("language", self.string(&fields.language))?,
            n_tokens: spec.optional("n_tokens", self.count(&fields.n_tokens))?,
            finish_reason: spec.optional("finish_reason", self.string(&fields.finish_reason))?,
            extra: self.extra(&spec.columns)?,
        })
    }

    /// The free fields that `columns` begin with.
    fn extra(&self, columns: &[Pointer]) -> Result<Map<String, Value>, RolloutError> {
        let mut extra = Map::new();
        for pointer in columns {
            let (head, _) = pointer.split_first();
            let pointer = Pointer::field(head);
            match self.value(&pointer)? {
                // The native `extra` object is opened: its fields are free fields.
                Some(Value::Object(map)) if head == "extra" => extra.extend(map),
                Some(value) => {
                    extra.insert(head.to_owned(), value);
                }
                None => {}
            }
        }
        Ok(extra)
    }

    /// Whether there is something at `pointer`, if only `null`.
    pub(crate) fn has(&self, pointer: &Pointer) -> bool {
        self.found(pointer).is_ok_and(|found| found.is_some())
    }

    pub(super) fn raw(&self, pointer: &Pointer) -> Result<Option<Cow<'l, RawValue>>, RolloutError> {
        let found = self.found(pointer)?;
        Ok(found.filter(|raw| raw.get() != "null"))
    }

    fn found(&self, pointer: &Pointer) -> Result<Option<Cow<'l, RawValue>>, RolloutError> {
        let (head, rest) = pointer.split_first();
        let Some((_, raw)) = self.entries.iter().find(|(name, _)| name == head) else {
            return Ok(None);
        };
        if rest.is_empty() {
            return Ok(Some(raw.clone()));
        }
        // As it stands: by way of a `Value`, long numbers would lose digits.
        Ok(match raw {
            Cow::Borrowed(raw) => below(pointer, raw, rest)?.map(Cow::Borrowed),
            Cow::Owned(raw) => below(pointer, raw, rest)?.map(|raw| Cow::Owned(raw.to_owned())),
        })
    }

    fn value(&self, pointer: &Pointer) -> Result<Option<Value>, RolloutError> {
        self.raw(pointer)?
            .map(|raw| parse(pointer, raw.get()))
            .transpose()
    }

    /// Tests, as the text that they are where a [`Value`] would round what they hold.
    fn tests(&self, pointer: &Pointer) -> Result<Option<Value>, RolloutError> {
        match self.raw(pointer)? {
            Some(raw) if !raw.get().starts_with('"') && has_long_number(raw.get()) => {
                Ok(Some(Value::String(raw.get().to_owned())))
            }
            _ => self.value(pointer),
        }
    }

    fn string(&self, pointer: &Pointer) -> Result<Option<String>, RolloutError> {
        match self.raw(pointer)? {
            None => Ok(None),
            Some(raw) if raw.get().starts_with('"') => {
                Ok(Some(parse::<LossyString>(pointer, raw.get())?.0))
            }
            Some(raw) => Err(wrong_type(pointer, raw.get(), "a string")),
        }
    }

    /// A string, or a number whose digits serve as the name.
    pub(super) fn name(&self, pointer: &Pointer) -> Result<Option<String>, RolloutError> {
        match self.raw(pointer)? {
            None => Ok(None),
            Some(raw) => match scalar(pointer, raw.get())? {
                Some(name) => Ok(Some(name)),
                None => Err(wrong_type(pointer, raw.get(), "a string or a number")),
            },
        }
    }

    fn count(&self, pointer: &Pointer) -> Result<Option<u64>, RolloutError> {
        match self.raw(pointer)? {
            None => Ok(None),
            Some(raw) => match whole(raw.get()) {
                Some(count) => Ok(Some(count)),
                None => Err(wrong_type(pointer, raw.get(), "a whole number, 0 or more")),
            },
        }
    }

    fn reference(&self, pointer: &Pointer) -> Result<Option<Reference>, RolloutError> {
        let Some(raw) = self.raw(pointer)? else {
            return Ok(None);
        };
        if let Some(text) = scalar(pointer, raw.get())? {
            return Ok(Some(Reference::One(text)));
        }
        if raw.get().starts_with('[') {
            let items: Vec<Box<RawValue>> = parse(pointer, raw.get())?;
            let texts: Option<Vec<String>> = items
                .iter()
                .map(|item| scalar(pointer, item.get()))
                .collect::<Result<_, _>>()?;
            if let Some(texts) = texts {
                return Ok(Some(Reference::AnyOf(texts)));
            }
        }
        Ok(Some(Reference::Json(parse(pointer, raw.get())?)))
    }

    /// The sentence for an absent required field, with the names that are there.
    pub(super) fn missing(&self, pointer: &Pointer) -> String {
        let names: Vec<&str> = self
            .entries
            .iter()
            .map(|(name, _)| name.as_ref())
            .take(12)
            .collect();
        let (head, _) = pointer.split_first();
        let near = names
            .iter()
            .map(|name| (strsim::jaro_winkler(name, head), name))
            .filter(|(likeness, _)| *likeness > 0.8)
            .max_by(|a, b| a.0.total_cmp(&b.0));
        match near {
            _ if names.contains(&head) => "is null".to_owned(),
            Some((_, name)) => format!("is missing; did the data mean `{name}`?"),
            None if names.is_empty() => "is missing; the object is empty".to_owned(),
            None => format!(
                "is missing; the object has `{}` ({ELSEWHERE} can name another field)",
                names.join("`, `")
            ),
        }
    }
}

impl<'de: 'l, 'l> Deserialize<'de> for Record<'l> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Entries;
        impl<'de> Visitor<'de> for Entries {
            type Value = Record<'de>;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a JSON object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Record<'de>, A::Error> {
                let mut entries = Vec::with_capacity(12);
                while let Some(BorrowedName(name)) = map.next_key()? {
                    entries.push((name, Cow::Borrowed(map.next_value()?)));
                }
                Ok(Record { entries })
            }
        }
        deserializer.deserialize_map(Entries)
    }
}

/// A field name, borrowed from the line unless it has escapes.
struct BorrowedName<'l>(Cow<'l, str>);

impl<'de: 'l, 'l> Deserialize<'de> for BorrowedName<'l> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Name;
        impl<'de> Visitor<'de> for Name {
            type Value = BorrowedName<'de>;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a field name")
            }
            fn visit_borrowed_str<E>(self, name: &'de str) -> Result<Self::Value, E> {
                Ok(BorrowedName(Cow::Borrowed(name)))
            }
            fn visit_str<E>(self, name: &str) -> Result<Self::Value, E> {
                Ok(BorrowedName(Cow::Owned(name.to_owned())))
            }
        }
        deserializer.deserialize_str(Name)
    }
}

/// What stands below a value; of a field that is named twice, the last, as Python
/// has it.
fn below<'r>(
    pointer: &Pointer,
    value: &'r RawValue,
    rest: Rest<'_>,
) -> Result<Option<&'r RawValue>, RolloutError> {
    let mut value = value;
    for token in rest.tokens() {
        let found = match value.get().as_bytes().first() {
            Some(b'{') => {
                let object: Record<'r> = parse(pointer, value.get())?;
                let mut entries = object.entries.into_iter();
                entries.rfind(|(name, _)| name == token).map(|(_, raw)| raw)
            }
            Some(b'[') => {
                let list: Vec<&'r RawValue> = parse(pointer, value.get())?;
                let index = token.parse::<usize>().ok();
                index.and_then(|index| list.get(index).copied().map(Cow::Borrowed))
            }
            _ => None,
        };
        match found {
            Some(Cow::Borrowed(found)) => value = found,
            _ => return Ok(None),
        }
    }
    Ok(Some(value))
}

fn text(pointer: &Pointer, raw: &str) -> Result<Text, RolloutError> {
    match raw.as_bytes().first() {
        Some(b'"') => Ok(Text::Plain(parse::<LossyString>(pointer, raw)?.0)),
        Some(b'[') => Ok(Text::Chat(parse::<Vec<Message>>(pointer, raw)?)),
        _ => Err(wrong_type(
            pointer,
            raw,
            "a string or a list of chat messages",
        )),
    }
}

/// Whether a JSON text may hold an integer beyond 64 bits, which [`Value`] rounds.
pub(crate) fn has_long_number(json: &str) -> bool {
    let mut runs = json.split(|c: char| !c.is_ascii_digit());
    runs.any(|digits| digits.len() >= 19)
}

/// A string's text or a number's digits; `None` for other JSON.
pub(super) fn scalar(pointer: &Pointer, raw: &str) -> Result<Option<String>, RolloutError> {
    match raw.as_bytes().first() {
        Some(b'"') => Ok(Some(parse::<LossyString>(pointer, raw)?.0)),
        Some(b'-' | b'0'..=b'9') => Ok(Some(raw.to_owned())),
        _ => Ok(None),
    }
}

/// A whole number, also as `12.0`, which is how a column of a table that has gaps
/// comes to hold it.
pub(super) fn whole(raw: &str) -> Option<u64> {
    let digits = match raw.split_once('.') {
        Some((digits, zeros)) if zeros.bytes().all(|digit| digit == b'0') => digits,
        _ => raw,
    };
    digits.parse().ok()
}

fn parse<'a, T: Deserialize<'a>>(pointer: &Pointer, raw: &'a str) -> Result<T, RolloutError> {
    serde_json::from_str(raw).map_err(|error| {
        let message = error.to_string();
        let message = message.split(" at line ").next().unwrap_or_default();
        fault(pointer, format!("is unusable: {message}"))
    })
}

/// A text as JSON.
pub(super) fn raw_text(text: &str) -> Box<RawValue> {
    serde_json::value::to_raw_value(text).expect("a text is JSON")
}

pub(super) fn fault(pointer: &Pointer, problem: impl Into<String>) -> RolloutError {
    RolloutError {
        field: pointer.to_string(),
        problem: problem.into(),
    }
}

pub(super) fn wrong_type(pointer: &Pointer, raw: &str, expected: &str) -> RolloutError {
    let found = match raw.as_bytes().first() {
        Some(b'{') if raw.starts_with("{\"base64\":") => {
            let hint = format!(
                "holds bytes, expected {expected}; a column of text is read (in pandas, \
                 `.str.decode(\"utf-8\")`)"
            );
            return fault(pointer, hint);
        }
        Some(b'"') => "a string",
        Some(b'[') => "a list",
        Some(b'{') => "an object",
        Some(b't' | b'f') => "a boolean",
        _ if raw.len() <= 40 => {
            return fault(pointer, format!("is the number {raw}, expected {expected}"));
        }
        _ => "a number",
    };
    fault(pointer, format!("is {found}, expected {expected}"))
}

/// serde_json's message without its line (a record is one line), and with a
/// plain word where the line is no object at all.
fn describe(error: &serde_json::Error, text: &str) -> String {
    let message = error.to_string();
    let message = message.split(" at line ").next().unwrap_or_default();
    // The lines of a `.json` file begin with a bracket alone.
    let is_list = text.trim_start().starts_with('[');
    if error.is_eof() && !is_list {
        return format!("the line is cut off: {message}");
    }
    match text.trim_start().as_bytes().first() {
        Some(b'{') => match not_a_number(error, text) {
            Some(name) => format!("not valid JSON, which has no `{name}`; write `null`"),
            None => format!("not valid JSON: {message}"),
        },
        Some(b'[') => "not a JSON object but a list; every line must be one `{…}` (`jq -c '.[]'` \
                       makes lines of a list)"
            .to_owned(),
        _ if text.starts_with('\u{feff}') => "a byte order mark, which stands at the beginning of \
                                              a file alone; take it out of the line"
            .to_owned(),
        _ => "not a JSON object; every line must be one `{…}`".to_owned(),
    }
}

/// What Python writes for a float that JSON does not have, where reading has ended.
fn not_a_number(error: &serde_json::Error, text: &str) -> Option<&'static str> {
    let from = error.column().saturating_sub(2);
    let rest = text.get(from..)?.trim_start_matches([' ', ':', ',', '[']);
    let names = ["NaN", "Infinity", "-Infinity"];
    names.into_iter().find(|name| rest.starts_with(name))
}

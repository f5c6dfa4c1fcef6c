//! Safetensors files: one tensor at a time, read and written.
//!
//! A file is a length, a JSON header of that length, and the bytes of all tensors;
//! see <https://github.com/huggingface/safetensors>. Tensors are read by seeking,
//! so that a checkpoint is never in memory twice.

use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::io::{BufWriter, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use half::{bf16, f16};
use safetensors::Dtype;
use safetensors::tensor::{Metadata, TensorInfo};
use serde::{Deserialize, Serialize};

use super::FolderError;
use super::error::read_optional;
use super::json::Document;

/// How a Git LFS pointer begins, where a file has the length of its header.
const POINTER: &[u8; 8] = b"version ";
/// Name of a checkpoint in one file.
const SINGLE: &str = "model.safetensors";
/// Name of the file that says which file holds which tensor.
const INDEX: &str = "model.safetensors.index.json";
/// Longest header that is read, as in the format's own library.
const LONGEST_HEADER: u64 = 100_000_000;

/// How numbers are stored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StoredType {
    /// 32 bits: a saved policy is the one in memory, bit for bit.
    #[default]
    F32,
    /// 16 bits with the range of 32, rounded to nearest: half the size, for use
    /// elsewhere.
    Bf16,
}

impl StoredType {
    /// Its name in a `config.json`.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::F32 => "float32",
            Self::Bf16 => "bfloat16",
        }
    }

    fn dtype(self) -> Dtype {
        match self {
            Self::F32 => Dtype::F32,
            Self::Bf16 => Dtype::BF16,
        }
    }

    /// Bytes of one number.
    pub(super) fn bytes(self) -> usize {
        match self {
            Self::F32 => 4,
            Self::Bf16 => 2,
        }
    }

    fn encode(self, numbers: &[f32]) -> Vec<u8> {
        match self {
            Self::F32 => numbers.iter().flat_map(|n| n.to_le_bytes()).collect(),
            Self::Bf16 => numbers
                .iter()
                .flat_map(|n| bf16::from_f32(*n).to_le_bytes())
                .collect(),
        }
    }
}

/// An open file.
struct Source {
    path: PathBuf,
    file: File,
    /// Where the tensors begin.
    start: u64,
    metadata: Metadata,
}

/// The tensors of one or several files, by name.
pub(super) struct Tensors {
    sources: Vec<Source>,
    /// Index of the file, by tensor.
    places: BTreeMap<String, usize>,
    /// The file to name when a tensor is missing.
    path: PathBuf,
}

impl Tensors {
    /// Opens a folder's checkpoint: `model.safetensors`, or the files that its index
    /// names.
    pub(super) fn open_folder(folder: &Path) -> Result<Self, FolderError> {
        let single = folder.join(SINGLE);
        if single.exists() {
            return Self::open_file(&single);
        }
        let path = folder.join(INDEX);
        let Some(bytes) = read_optional(&path)? else {
            return Err(FolderError::Missing {
                path: single,
                wanted: "weights are read from safetensors alone; transformers' \
                         `save_pretrained` writes them",
            });
        };
        let document = Document::parse(&path, &bytes)?;
        let map = document
            .object("weight_map")?
            .ok_or_else(|| document.refuse("weight_map", "an object of files by tensor"))?;
        let mut sources: Vec<Source> = Vec::new();
        let mut places = BTreeMap::new();
        for name in map.fields().keys() {
            let file = map.text(name)?.unwrap_or_default();
            // A path would lead out of the folder.
            if Path::new(file).file_name() != Some(file.as_ref()) {
                return Err(map.refuse(name, "the name of a file in this folder"));
            }
            let file = folder.join(file);
            let known = sources.iter().position(|source| source.path == file);
            let place = match known {
                Some(place) => place,
                None => {
                    sources.push(Source::open(&file)?);
                    sources.len() - 1
                }
            };
            if sources[place].metadata.info(name).is_none() {
                return Err(FolderError::Field {
                    path,
                    field: format!("weight_map.{name}"),
                    found: format!("`{}`, which lacks it", file.display()),
                    wanted: "the file that holds the tensor".to_owned(),
                });
            }
            places.insert(name.clone(), place);
        }
        Ok(Self {
            sources,
            places,
            path,
        })
    }

    /// Opens one file.
    pub(super) fn open_file(path: &Path) -> Result<Self, FolderError> {
        let source = Source::open(path)?;
        let names = source.metadata.offset_keys();
        Ok(Self {
            places: names.into_iter().map(|name| (name, 0)).collect(),
            sources: vec![source],
            path: path.to_owned(),
        })
    }

    /// Names of all tensors, in order of the alphabet.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.places.keys().map(String::as_str)
    }

    /// The file that holds a tensor.
    pub(super) fn path(&self, name: &str) -> &Path {
        let place = self.places.get(name);
        place.map_or(&self.path, |place| &self.sources[*place].path)
    }

    /// A tensor's numbers, which must have this shape.
    pub(super) fn read(&mut self, name: &str, shape: &[usize]) -> Result<Vec<f32>, FolderError> {
        let Some(&place) = self.places.get(name) else {
            return Err(FolderError::MissingTensor {
                path: self.path.clone(),
                name: name.to_owned(),
                shape: shape.to_vec(),
            });
        };
        let source = &mut self.sources[place];
        let info = source.metadata.info(name).cloned();
        let info = info.expect("a place is recorded only for a tensor that is there");
        let refuse = |found: String, wanted: String| FolderError::Tensor {
            path: source.path.clone(),
            name: name.to_owned(),
            found,
            wanted,
        };
        if info.shape != shape {
            let found = format!("of shape {:?}", info.shape);
            return Err(refuse(found, format!("of shape {shape:?}, by config.json")));
        }
        let decode: fn(&[u8]) -> Vec<f32> = match info.dtype {
            Dtype::F32 => |bytes| numbers(bytes, f32::from_le_bytes),
            Dtype::BF16 => |bytes| numbers(bytes, |two| bf16::from_le_bytes(two).to_f32()),
            Dtype::F16 => |bytes| numbers(bytes, |two| f16::from_le_bytes(two).to_f32()),
            other => {
                let found = format!("of type {other:?}");
                return Err(refuse(found, "of type F32, BF16 or F16".to_owned()));
            }
        };
        source.bytes(&info).map(|bytes| decode(&bytes))
    }
}

impl Source {
    fn open(path: &Path) -> Result<Self, FolderError> {
        let unreadable = |source| FolderError::Read {
            path: path.to_owned(),
            source,
        };
        let malformed = |why: String| FolderError::Malformed {
            path: path.to_owned(),
            wanted: "a safetensors file",
            why,
        };
        let mut file = File::open(path).map_err(unreadable)?;
        let size = file.metadata().map_err(unreadable)?.len();
        let mut length = [0; 8];
        if size < 8 {
            return Err(malformed(format!("it has {size} bytes")));
        }
        file.read_exact(&mut length).map_err(unreadable)?;
        if length == *POINTER {
            let why = "it is a Git LFS pointer; `git lfs pull` fetches the file";
            return Err(malformed(why.to_owned()));
        }
        let length = u64::from_le_bytes(length);
        if length > LONGEST_HEADER.min(size - 8) {
            return Err(malformed(format!("its header would have {length} bytes")));
        }
        let mut header = vec![0; length as usize];
        file.read_exact(&mut header).map_err(unreadable)?;
        let metadata: Metadata =
            serde_json::from_slice(&header).map_err(|error| malformed(error.to_string()))?;
        let start = 8 + length;
        if size - start != metadata.data_len() as u64 {
            let (has, needs) = (size - start, metadata.data_len());
            return Err(malformed(format!(
                "its tensors need {needs} bytes; {has} are there"
            )));
        }
        Ok(Self {
            path: path.to_owned(),
            file,
            start,
            metadata,
        })
    }

    fn bytes(&mut self, info: &TensorInfo) -> Result<Vec<u8>, FolderError> {
        let (start, end) = info.data_offsets;
        let mut bytes = vec![0; end - start];
        self.file
            .seek(SeekFrom::Start(self.start + start as u64))
            .and_then(|_| self.file.read_exact(&mut bytes))
            .map_err(|source| FolderError::Read {
                path: self.path.clone(),
                source,
            })?;
        Ok(bytes)
    }
}

fn numbers<const N: usize>(bytes: &[u8], number: impl Fn([u8; N]) -> f32) -> Vec<f32> {
    let (numbers, _) = bytes.as_chunks::<N>();
    numbers.iter().map(|bytes| number(*bytes)).collect()
}

/// Name and shape of a tensor that is going to be written.
pub(super) type Shape = (String, Vec<usize>);

/// Writes a checkpoint into a folder, in files of at most `shard_bytes` each (a
/// larger tensor has a file of its own). `numbers` gives a tensor's numbers when its
/// turn comes.
pub(super) fn write_folder<E: From<FolderError>>(
    folder: &Path,
    shapes: &[Shape],
    stored: StoredType,
    shard_bytes: usize,
    mut numbers: impl FnMut(&str) -> Result<Vec<f32>, E>,
) -> Result<(), E> {
    let size = |shape: &[usize]| shape.iter().product::<usize>() * stored.bytes();
    let mut shards: Vec<Vec<&Shape>> = vec![Vec::new()];
    let mut filled = 0;
    for tensor in shapes {
        let bytes = size(&tensor.1);
        let last = shards.len() - 1;
        if filled + bytes > shard_bytes && !shards[last].is_empty() {
            shards.push(vec![tensor]);
            filled = bytes;
        } else {
            shards[last].push(tensor);
            filled += bytes;
        }
    }
    if let [only] = shards.as_slice() {
        return write_file(&folder.join(SINGLE), only, stored, &mut numbers);
    }
    let mut map = BTreeMap::new();
    for (at, shard) in shards.iter().enumerate() {
        let file = format!("model-{:05}-of-{:05}.safetensors", at + 1, shards.len());
        write_file(&folder.join(&file), shard, stored, &mut numbers)?;
        map.extend(shard.iter().map(|(name, _)| (name.clone(), file.clone())));
    }
    let total: usize = shapes.iter().map(|(_, shape)| size(shape)).sum();
    let index = serde_json::json!({
        "metadata": { "total_parameters": total / stored.bytes(), "total_size": total },
        "weight_map": map,
    });
    let index = format!("{index:#}\n");
    Ok(super::error::write(&folder.join(INDEX), index.as_bytes())?)
}

/// Writes one file, its tensors in order of the alphabet.
pub(super) fn write_file<E: From<FolderError>>(
    path: &Path,
    shapes: &[&Shape],
    stored: StoredType,
    numbers: &mut impl FnMut(&str) -> Result<Vec<f32>, E>,
) -> Result<(), E> {
    let unwritable = |source| FolderError::Write {
        path: path.to_owned(),
        source,
    };
    let mut sorted = shapes.to_vec();
    sorted.sort();
    let mut end = 0;
    let infos = sorted.iter().map(|(name, shape)| {
        let start = end;
        end += shape.iter().product::<usize>() * stored.bytes();
        let info = TensorInfo {
            dtype: stored.dtype(),
            shape: shape.clone(),
            data_offsets: (start, end),
        };
        (name.clone(), info)
    });
    // transformers refuses a file that does not say which library's tensors it holds.
    let format = HashMap::from([("format".to_owned(), "pt".to_owned())]);
    let metadata =
        Metadata::new(Some(format), infos.collect()).map_err(|error| FolderError::Malformed {
            path: path.to_owned(),
            wanted: "a safetensors file",
            why: error.to_string(),
        })?;
    let mut header = serde_json::to_vec(&metadata).expect("a header has only texts and numbers");
    // Blanks align the numbers behind the header.
    header.resize(header.len().next_multiple_of(8), b' ');

    let mut file = BufWriter::new(File::create(path).map_err(unwritable)?);
    file.write_all(&(header.len() as u64).to_le_bytes())
        .and_then(|()| file.write_all(&header))
        .map_err(unwritable)?;
    for (name, _) in sorted {
        // A piece at a time: an embedding is not in memory twice.
        for some in numbers(name)?.chunks(1 << 16) {
            file.write_all(&stored.encode(some)).map_err(unwritable)?;
        }
    }
    let file = file
        .into_inner()
        .map_err(|error| unwritable(error.into_error()))?;
    Ok(file.sync_all().map_err(unwritable)?)
}

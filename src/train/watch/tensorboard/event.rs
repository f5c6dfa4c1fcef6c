//! The messages of TensorBoard's event files, as far as they are used here.
//!
//! Source: `event.proto`, `summary.proto` and `tensor.proto` of TensorBoard. The
//! numbers are those of the fields there.

use prost::{Message, Oneof};

/// `tensorboard.Event`
#[derive(Clone, PartialEq, Message)]
pub(super) struct Event {
    /// Seconds since 1970.
    #[prost(double, tag = "1")]
    pub(super) wall_time: f64,
    #[prost(int64, tag = "2")]
    pub(super) step: i64,
    #[prost(oneof = "What", tags = "3, 5")]
    pub(super) what: Option<What>,
}

/// `tensorboard.Event.what`
#[derive(Clone, PartialEq, Oneof)]
pub(super) enum What {
    /// The first event of a file.
    #[prost(string, tag = "3")]
    FileVersion(String),
    #[prost(message, tag = "5")]
    Summary(Summary),
}

/// `tensorboard.Summary`
#[derive(Clone, PartialEq, Message)]
pub(super) struct Summary {
    #[prost(message, repeated, tag = "1")]
    pub(super) values: Vec<Value>,
}

/// `tensorboard.Summary.Value`
#[derive(Clone, PartialEq, Message)]
pub(super) struct Value {
    #[prost(string, tag = "1")]
    pub(super) tag: String,
    #[prost(message, optional, tag = "9")]
    pub(super) metadata: Option<Metadata>,
    #[prost(oneof = "Content", tags = "2, 8")]
    pub(super) content: Option<Content>,
}

/// `tensorboard.Summary.Value.value`
#[derive(Clone, PartialEq, Oneof)]
pub(super) enum Content {
    #[prost(float, tag = "2")]
    SimpleValue(f32),
    #[prost(message, tag = "8")]
    Tensor(Tensor),
}

/// `tensorboard.SummaryMetadata`
#[derive(Clone, PartialEq, Message)]
pub(super) struct Metadata {
    #[prost(message, optional, tag = "1")]
    pub(super) plugin: Option<Plugin>,
}

/// `tensorboard.SummaryMetadata.PluginData`
#[derive(Clone, PartialEq, Message)]
pub(super) struct Plugin {
    #[prost(string, tag = "1")]
    pub(super) name: String,
}

/// `tensorboard.TensorProto`
#[derive(Clone, PartialEq, Message)]
pub(super) struct Tensor {
    /// 7 is a string.
    #[prost(int32, tag = "1")]
    pub(super) dtype: i32,
    #[prost(message, optional, tag = "2")]
    pub(super) shape: Option<Shape>,
    #[prost(bytes = "vec", repeated, tag = "8")]
    pub(super) strings: Vec<Vec<u8>>,
}

/// `tensorboard.TensorShapeProto`
#[derive(Clone, PartialEq, Message)]
pub(super) struct Shape {
    #[prost(message, repeated, tag = "2")]
    pub(super) dimensions: Vec<Dimension>,
}

/// `tensorboard.TensorShapeProto.Dim`
#[derive(Clone, PartialEq, Message)]
pub(super) struct Dimension {
    #[prost(int64, tag = "1")]
    pub(super) size: i64,
}

impl Value {
    /// A number of a curve.
    pub(super) fn scalar(tag: String, value: f64) -> Self {
        Self {
            tag,
            metadata: None,
            content: Some(Content::SimpleValue(value as f32)),
        }
    }

    /// A text in Markdown, which TensorBoard's text plugin shows.
    pub(super) fn text(tag: &str, markdown: String) -> Self {
        Self {
            tag: format!("{tag}/text_summary"),
            metadata: Some(Metadata {
                plugin: Some(Plugin {
                    name: "text".to_owned(),
                }),
            }),
            content: Some(Content::Tensor(Tensor {
                dtype: 7,
                shape: Some(Shape {
                    dimensions: vec![Dimension { size: 1 }],
                }),
                strings: vec![markdown.into_bytes()],
            })),
        }
    }
}

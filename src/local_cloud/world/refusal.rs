//! Why the API does not do as asked, in the words of the real service (facts §2.7).

/// A refusal; its text is what `error.message` says.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error("Resource not found - {id}")]
    NotFound { id: String },
    #[error("to_public_id {id} already exists")]
    TargetExists { id: String },
    #[error("public_id ({id}) is invalid")]
    BadPublicId { id: String },
    #[error("Can't find folder with path {path}")]
    NoFolder { path: String },
    #[error("Folder is not empty")]
    FolderNotEmpty,
    #[error("{what} already exists")]
    Exists { what: String },
    #[error("{message}")]
    Bad { message: String },
}

impl Refusal {
    #[must_use]
    pub const fn status(&self) -> u16 {
        match self {
            Self::NotFound { .. } | Self::NoFolder { .. } => 404,
            Self::TargetExists { .. }
            | Self::BadPublicId { .. }
            | Self::FolderNotEmpty
            | Self::Bad { .. } => 400,
            Self::Exists { .. } => 409,
        }
    }

    #[must_use]
    pub fn bad(message: impl Into<String>) -> Self {
        Self::Bad { message: message.into() }
    }
}

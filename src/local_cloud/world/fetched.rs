//! Remote files: read when first asked for, then stored like any other asset, under their address.

use std::time::Duration;

use super::World;
use super::changes::{Attributes, Upload};
use crate::domain::asset::AssetKey;
use crate::domain::sighting::AcceptVariant;
use crate::local_cloud::content::Content;
use crate::local_cloud::remote::Remote;

impl World {
    /// The remote file that has to be read before `path` can be answered, at an edge or (`None`) at the origin. An
    /// edge that has an answer, be it a refusal, needs none.
    pub fn wants_remote(
        &mut self,
        edge: Option<usize>,
        path: &str,
        accept: AcceptVariant,
        now: Duration,
    ) -> Option<(AssetKey, Remote)> {
        self.advance(now);
        let now = self.now;
        if edge.is_some_and(|edge| self.edges[edge].find(path, accept, now).is_some()) {
            return None;
        }
        self.settings.origin(self.chance, self.unix_now()).wants(&self.storage, path)
    }

    /// Stores what was read from a remote address. The same file as before stays what it was.
    pub fn keep_remote(&mut self, key: AssetKey, content: Content, now: Duration) {
        let before = self.storage.get(&key).map(|asset| asset.content.etag().to_owned());
        if before.as_deref() == Some(content.etag()) {
            self.storage.confirm(&key);
            return;
        }
        self.upload(
            Upload {
                key,
                content,
                original_filename: None,
                attributes: Attributes::default(),
                overwrite: true,
                invalidate: false,
                backup: false,
            },
            now,
        );
    }
}

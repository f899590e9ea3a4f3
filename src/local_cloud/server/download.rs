//! Signed downloads: a file through the API, a kept version of one (facts §2.6).

use super::Cloud;
use super::naming::known_public_id;
use super::params::Params;
use super::reply::{Reply, bad};
use super::upload::{delivery_type, resource_type};
use crate::domain::asset::AssetKey;
use crate::local_cloud::content::{Content, Format};
use crate::local_cloud::world::asset::HexId;
use crate::local_cloud::world::refusal::Refusal;

/// `GET /<rt>/download`: the original, or another format of it.
pub fn by_name(cloud: &Cloud, params: &Params, kind: &str) -> Result<Reply, Reply> {
    let key = AssetKey {
        resource_type: resource_type(kind)?,
        delivery_type: delivery_type(params, "type")?,
        public_id: known_public_id(params.required("public_id")?)?,
    };
    of_asset(cloud, params, &key)
}

/// `GET /asset/download`.
pub fn by_id(cloud: &Cloud, params: &Params) -> Result<Reply, Reply> {
    let id = params.required("asset_id")?;
    let key = HexId::parse(id).and_then(|id| {
        cloud.with(|world, now| {
            world.advance(now);
            world.storage().by_id(id).map(|asset| asset.key.clone())
        })
    });
    of_asset(cloud, params, &key.ok_or_else(|| Refusal::NotFound { id: id.to_owned() })?)
}

fn of_asset(cloud: &Cloud, params: &Params, key: &AssetKey) -> Result<Reply, Reply> {
    let format = params.text("format");
    if let Some(unknown) = format.filter(|format| Format::from_extension(format).is_none()) {
        return Err(bad(format!("Invalid format {unknown}")));
    }
    let content = cloud.with(|world, now| world.file_of(key, format, now))?;
    let name = key.public_id.as_str().rsplit('/').next().unwrap_or_default();
    let name = match content.format().map_or("", Format::as_str) {
        "" => name.to_owned(),
        extension if name.ends_with(&format!(".{extension}")) => name.to_owned(),
        extension => format!("{name}.{extension}"),
    };
    let attachment = params.switch("attachment")?.then_some(name);
    Ok(sent(&content, attachment))
}

/// `GET /download_backup`: one kept version of a file, of a deleted one too.
pub fn backup(cloud: &Cloud, params: &Params) -> Result<Reply, Reply> {
    let (id, version) = (params.required("asset_id")?, params.required("version_id")?);
    let found = HexId::parse(id)
        .zip(HexId::parse(version))
        .and_then(|(id, version)| cloud.with(|world, now| world.kept_version(id, version, now)));
    let kept = found.ok_or_else(|| Refusal::NotFound { id: version.to_owned() })?;
    Ok(sent(&kept.content, None))
}

fn sent(content: &Content, attachment: Option<String>) -> Reply {
    let media_type = content.format().unwrap_or(Format::Binary).media_type();
    Reply::file(content.bytes(), media_type, attachment)
}

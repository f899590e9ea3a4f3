//! Folders of the Admin API (facts §3.4).

use serde_json::{Value, json};

use super::Cloud;
use super::listing::{read_offset, write_offset};
use super::params::Params;
use super::reply::Reply;
use crate::local_cloud::chance::{Chance, hash_text};

/// Folders in one reply, at most; as many come when no number is asked for.
const MOST_FOLDERS: usize = 2000;

/// The folders directly in `path`, or at the root where it is empty.
pub fn list(cloud: &Cloud, params: &Params, path: &str) -> Result<Reply, Reply> {
    let limit = params.count("max_results", MOST_FOLDERS, MOST_FOLDERS)?;
    let skip = read_offset(params, "next_cursor")?;
    let found = cloud.with(|world, now| world.folders(path, now))?;
    let page = found.iter().skip(skip).take(limit).map(|folder| shown(cloud, &folder.path));
    let items: Vec<Value> = page.collect();
    let end = skip + items.len();
    let next = (end < found.len()).then(|| write_offset(end));
    let total = found.len();
    Ok(Reply::ok(json!({"folders": items, "next_cursor": next, "total_count": total})))
}

pub fn make(cloud: &Cloud, path: &str) -> Result<Reply, Reply> {
    cloud.with(|world, now| world.make_folder(path, now))?;
    let name = path.rsplit('/').next().unwrap_or_default();
    Ok(Reply::ok(json!({"success": true, "path": path, "name": name})))
}

pub fn rename(cloud: &Cloud, params: &Params, from: &str) -> Result<Reply, Reply> {
    let to = params.required("to_folder")?.trim_matches('/').to_owned();
    cloud.with(|world, now| world.move_folder(from, &to, now))?;
    Ok(Reply::ok(json!({"from": shown(cloud, from), "to": shown(cloud, &to)})))
}

pub fn remove(cloud: &Cloud, path: &str) -> Result<Reply, Reply> {
    let gone = cloud.with(|world, now| world.remove_folder(path, now))?;
    Ok(Reply::ok(json!({"deleted": gone})))
}

/// A folder with an ID of its own, which a moved one does not keep.
fn shown(cloud: &Cloud, path: &str) -> Value {
    let id = Chance::new(cloud.settings.seed).id("folder", &[hash_text(path)]);
    let name = path.rsplit('/').next().unwrap_or_default();
    json!({"name": name, "path": path, "external_id": hex::encode(id)})
}

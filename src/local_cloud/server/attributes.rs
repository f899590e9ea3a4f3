//! What calls say about an asset besides its name and file.

use serde_json::Value;

use super::params::{Param, Params};
use super::reply::{Reply, bad};
use crate::domain::time::Timestamp;
use crate::local_cloud::world::asset::{Access, AccessRule, Moderation};
use crate::local_cloud::world::changes::Attributes;

/// What a call says about an asset's attributes.
///
/// # Errors
/// Moderation or rules of access that are none.
pub fn attributes(params: &Params) -> Result<Attributes, Reply> {
    Ok(Attributes {
        tags: params.comma_list("tags"),
        context: params.pairs("context"),
        metadata: params.pairs("metadata"),
        asset_folder: params.text("asset_folder").map(str::to_owned),
        display_name: params.text("display_name").map(str::to_owned),
        moderation: moderation(params)?,
        moderation_status: match params.text("moderation_status") {
            None => None,
            Some(text) => Some(text.parse().map_err(|()| {
                bad(format!("Invalid value for parameter moderation_status: {text}"))
            })?),
        },
        access: access(params)?,
    })
}

/// Moderation by a person; that by an add-on has to be subscribed to, and nobody has.
fn moderation(params: &Params) -> Result<Option<Moderation>, Reply> {
    const ADD_ONS: [&str; 8] = [
        "aws_rek",
        "aws_rek_video",
        "duplicate",
        "google_video_moderation",
        "metascan",
        "perception_point",
        "rekognition",
        "webpurify",
    ];
    match params.text("moderation") {
        None => Ok(None),
        Some("manual") => Ok(Some(Moderation::manual())),
        Some(kind) if ADD_ONS.contains(&kind.split(':').next().unwrap_or_default()) => {
            Err(Reply::error(420, &format!("You don't have an active subscription for {kind}")))
        }
        Some(kind) => Err(bad(format!("Moderation {kind} moderation is not valid"))),
    }
}

/// `access_control`: one rule or a list of them, as JSON or as its text.
fn access(params: &Params) -> Result<Option<Access>, Reply> {
    const NAME: &str = "access_control";
    let wrong = || bad(format!("Invalid value for parameter {NAME}"));
    let written = match params.get(NAME) {
        Some(Param::Json(value)) => value.clone(),
        Some(Param::Text(text)) if !text.is_empty() => {
            serde_json::from_str(text).map_err(|_| wrong())?
        }
        Some(Param::List(items)) if items.is_empty() => Value::Array(Vec::new()),
        Some(Param::List(items)) => {
            let read = items.iter().map(|text| serde_json::from_str(text));
            Value::Array(read.collect::<Result<_, _>>().map_err(|_| wrong())?)
        }
        _ => return Ok(None),
    };
    let rules = match written {
        Value::Array(rules) => rules,
        rule => vec![rule],
    };
    let rule = |rule: &Value| {
        let at = |name: &str| match rule.get(name) {
            None | Some(Value::Null) => Some(None),
            Some(Value::String(text)) => {
                text.parse::<Timestamp>().ok().map(|at| Some(at.as_second()))
            }
            Some(_) => None,
        };
        match rule.get("access_type")?.as_str()? {
            "token" => Some(AccessRule::Token),
            "anonymous" => Some(AccessRule::Anonymous { start: at("start")?, end: at("end")? }),
            _ => None,
        }
    };
    let rules: Option<Vec<AccessRule>> = rules.iter().map(rule).collect();
    rules.map(|rules| Some(Access(rules))).ok_or_else(wrong)
}

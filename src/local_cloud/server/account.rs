//! What the Admin API tells of the account: settings and usage (facts §3.2, §3.5).

use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde_json::{Value, json};

use super::Cloud;
use super::params::Params;
use super::reply::{Reply, bad};
use super::wire;

pub fn config(cloud: &Cloud, params: &Params) -> Result<Reply, Reply> {
    let created_at = wire::time(cloud.clock.started_at().as_second());
    let mut config = json!({"cloud_name": cloud.settings.cloud_name, "created_at": created_at});
    if params.switch("settings")? {
        config["settings"] = json!({"folder_mode": "dynamic"});
    }
    Ok(Reply::ok(config))
}

/// What is used, today or on another day. A local cloud keeps no history: on days before its first nothing was used.
pub fn usage(cloud: &Cloud, day: Option<&str>) -> Result<Reply, Reply> {
    let now = cloud.with(|world, _| world.unix_now());
    let (today, first) = (date(now), date(cloud.clock.started_at().as_second()));
    let asked = match day {
        None => today,
        Some(day) => {
            let wrong = || bad(format!("Invalid value for parameter date: {day}"));
            day.parse().ok().filter(|day| *day <= today).ok_or_else(wrong)?
        }
    };
    let mut reply = if asked < first { Used::default() } else { Used::now(cloud) }.written();
    reply["last_updated"] = json!(asked.to_string());
    if day.is_some() {
        reply["date_requested"] = json!(format!("{asked}T00:00:00Z"));
    }
    Ok(Reply::ok(reply))
}

fn date(unix: i64) -> Date {
    let at = jiff::Timestamp::from_second(unix).unwrap_or_default();
    at.to_zoned(TimeZone::UTC).date()
}

/// Counts of things, and bytes.
#[derive(Default)]
struct Used {
    assets: usize,
    derived: usize,
    bytes: u64,
    requests: u32,
}

impl Used {
    fn now(cloud: &Cloud) -> Self {
        let (derived, contents, requests) = cloud.with(|world, _| {
            let storage = world.storage();
            let contents: Vec<_> = storage.iter().map(|asset| asset.content.clone()).collect();
            (storage.derived_count(), contents, world.quota_used())
        });
        // files may have to be drawn before they can be measured
        let bytes = contents.iter().map(|content| content.length()).sum();
        Self { assets: contents.len(), derived, bytes, requests }
    }

    fn written(&self) -> Value {
        let Self { assets, derived, bytes, requests } = *self;
        let credits = bytes as f64 / f64::from(1 << 30);
        json!({
            "plan": "Local",
            "last_updated": null,
            "transformations": {"usage": derived, "credits_usage": 0.0},
            "objects": {"usage": assets + derived},
            "bandwidth": {"usage": 0, "credits_usage": 0.0},
            "storage": {"usage": bytes, "credits_usage": credits},
            "credits": {"usage": credits, "limit": 25.0, "used_percent": credits * 4.0},
            "requests": requests,
            "resources": assets,
            "derived_resources": derived,
            "media_limits": {
                "image_max_size_bytes": 104_857_600, "video_max_size_bytes": 104_857_600,
                "raw_max_size_bytes": 104_857_600, "image_max_px": 25_000_000,
                "asset_max_total_px": 50_000_000,
            },
        })
    }
}

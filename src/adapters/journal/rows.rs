//! From rows back to the domain. Whatever cannot have been written by this program is reported as damage.

use std::fmt::Display;
use std::str::FromStr;

use serde::de::DeserializeOwned;
use sqlx::any::AnyRow;
use sqlx::{Any, Decode, Row, Type};

use super::faults::odd;
use super::sql::who;
use crate::domain::asset::{AssetKey, DeliveryType, ResourceType};
use crate::domain::id::ItemId;
use crate::domain::invalidation::{
    CloudScope, Ending, Item, ItemState, Operation, Outcome, Verb, WatchedName, WatchedUrl,
};
use crate::domain::job::Refused;
use crate::domain::public_id::PublicId;
use crate::domain::text::clean;
use crate::domain::time::{Timestamp, from_millis};
use crate::domain::verdict::Stored;
use crate::ports::journal::JournalError;

/// The `instance` column of a scope.
pub(super) fn stored_scope(scope: &CloudScope) -> &str {
    scope.instance.as_deref().unwrap_or_default()
}

pub(super) fn column<'r, T>(row: &'r AnyRow, name: &'static str) -> Result<T, JournalError>
where
    T: Decode<'r, Any> + Type<Any>,
{
    row.try_get(name).map_err(|error| odd(name, error))
}

fn parsed<T>(row: &AnyRow, name: &'static str) -> Result<T, JournalError>
where
    T: FromStr<Err: Display>,
{
    column::<&str>(row, name)?.parse().map_err(|error| odd(name, error))
}

pub(super) fn time(row: &AnyRow, name: &'static str) -> Result<Timestamp, JournalError> {
    Ok(from_millis(column(row, name)?))
}

pub(super) fn optional_time(
    row: &AnyRow,
    name: &'static str,
) -> Result<Option<Timestamp>, JournalError> {
    Ok(column::<Option<i64>>(row, name)?.map(from_millis))
}

pub(super) fn flag(row: &AnyRow, name: &'static str) -> Result<bool, JournalError> {
    Ok(column::<i64>(row, name)? != 0)
}

pub(super) fn structure<T: DeserializeOwned>(
    row: &AnyRow,
    name: &'static str,
) -> Result<T, JournalError> {
    serde_json::from_str(column(row, name)?).map_err(|error| odd(name, error))
}

pub(super) fn optional_structure<T: DeserializeOwned>(
    row: &AnyRow,
    name: &'static str,
) -> Result<Option<T>, JournalError> {
    column::<Option<&str>>(row, name)?
        .map(|text| serde_json::from_str(text).map_err(|error| odd(name, error)))
        .transpose()
}

/// The word among `all` that `row` holds.
pub(super) fn word<T: Copy>(
    row: &AnyRow,
    name: &'static str,
    all: &[T],
    as_str: impl Fn(T) -> &'static str,
) -> Result<T, JournalError> {
    let found: &str = column(row, name)?;
    all.iter().copied().find(|one| as_str(*one) == found).ok_or_else(|| odd(name, found))
}

/// An operation from the columns of `operation` (its ID as `operation_id`) and `cloud`.
pub(super) fn operation_of(row: &AnyRow) -> Result<Operation, JournalError> {
    let instance: String = column(row, "instance")?;
    Ok(Operation {
        id: parsed(row, "operation_id")?,
        verb: word(row, "verb", &Verb::ALL, Verb::as_str)?,
        scope: CloudScope {
            cloud_name: column(row, "cloud_name")?,
            api: column(row, "api")?,
            instance: (!instance.is_empty()).then_some(instance),
        },
        member: parsed(row, "member")?,
        at: time(row, "ordered_at")?,
        command_line: column(row, "command_line")?,
        note: column(row, "note")?,
        invalidate: flag(row, "invalidate")?,
    })
}

pub(super) fn item_of(row: &AnyRow) -> Result<Item, JournalError> {
    let to = column::<Option<&str>>(row, "to_public_id")?.is_some();
    Ok(Item {
        id: parsed(row, "id")?,
        operation: parsed(row, "operation")?,
        key: key_of(row)?,
        to: to
            .then(|| asset_key(row, "to_resource_type", "to_delivery_type", "to_public_id"))
            .transpose()?,
        state: word(row, "state", &ItemState::ALL, ItemState::as_str)?,
        sent_at: optional_time(row, "sent_at")?,
        message: column(row, "message")?,
    })
}

pub(super) fn name_of(row: &AnyRow) -> Result<WatchedName, JournalError> {
    Ok(WatchedName {
        item: parsed(row, "item")?,
        key: key_of(row)?,
        must_live: flag(row, "must_live")?,
        old: optional_structure(row, "stored_before")?,
        new: optional_structure(row, "stored_after")?,
        changed_at: optional_time(row, "changed_at")?,
        superseded: flag(row, "superseded")?,
    })
}

pub(super) fn url_of(row: &AnyRow) -> Result<WatchedUrl, JournalError> {
    Ok(WatchedUrl {
        url: structure(row, "url")?,
        coverage: structure(row, "coverage")?,
        item: parsed(row, "item")?,
        key: key_of(row)?,
        derived: flag(row, "derived")?,
        old: optional_structure(row, "served_before")?,
    })
}

/// What storage held before the call of an item: under its watched name, else as noted beside it.
pub(super) fn before_of(row: &AnyRow) -> Result<Option<(ItemId, Stored)>, JournalError> {
    let before = match optional_structure(row, "watched_before")? {
        None => optional_structure(row, "stored_before")?,
        watched => watched,
    };
    before.map(|before| Ok((parsed(row, "id")?, before))).transpose()
}

pub(super) fn refused_of(row: &AnyRow) -> Result<Refused, JournalError> {
    Ok(Refused {
        typed: column(row, "typed")?,
        state: word(row, "state", &ItemState::ALL, ItemState::as_str)?,
        reason: column(row, "reason")?,
        readings: optional_structure(row, "readings")?.unwrap_or_default(),
    })
}

/// `user@host` of a member that was joined as these columns, if it was found; cleaned.
pub(super) fn who_of(
    row: &AnyRow,
    user: &'static str,
    host: &'static str,
) -> Result<Option<String>, JournalError> {
    let user = column::<Option<&str>>(row, user)?;
    Ok(user.zip(column::<Option<&str>>(row, host)?).map(|(user, host)| who(user, host)))
}

/// Who ordered an operation.
pub(super) fn orderer(row: &AnyRow) -> Result<String, JournalError> {
    Ok(who_of(row, "user_name", "host")?.unwrap_or_else(|| "unknown".to_owned()))
}

/// Where the orderer's SSH session came from, if it was one; cleaned.
pub(super) fn came_from(row: &AnyRow) -> Result<Option<String>, JournalError> {
    Ok(column::<Option<&str>>(row, "ssh_client")?.map(|from| clean(from).into_owned()))
}

pub(super) fn count(row: &AnyRow, name: &'static str) -> Result<usize, JournalError> {
    Ok(usize::try_from(column::<i64>(row, name)?).unwrap_or_default())
}

/// How an invalidation ended, if it has.
pub(super) fn ending_of(row: &AnyRow) -> Result<Option<Ending>, JournalError> {
    if column::<Option<&str>>(row, "outcome")?.is_none() {
        return Ok(None);
    }
    Ok(Some(Ending {
        outcome: word(row, "outcome", &Outcome::ALL, Outcome::as_str)?,
        at: time(row, "ended_at")?,
        sentence: column(row, "sentence")?,
    }))
}

/// An ID in a column that may be empty, as after a join that found nothing.
pub(super) fn optional_id<T>(row: &AnyRow, name: &'static str) -> Result<Option<T>, JournalError>
where
    T: FromStr<Err: Display>,
{
    column::<Option<&str>>(row, name)?
        .map(|text| text.parse().map_err(|error| odd(name, error)))
        .transpose()
}

pub(super) fn id_of<T>(row: &AnyRow, name: &'static str) -> Result<T, JournalError>
where
    T: FromStr<Err: Display>,
{
    parsed(row, name)
}

fn key_of(row: &AnyRow) -> Result<AssetKey, JournalError> {
    asset_key(row, "resource_type", "delivery_type", "public_id")
}

fn asset_key(
    row: &AnyRow,
    resource_type: &'static str,
    delivery_type: &'static str,
    public_id: &'static str,
) -> Result<AssetKey, JournalError> {
    Ok(AssetKey {
        resource_type: word(row, resource_type, &ResourceType::ALL, ResourceType::as_str)?,
        delivery_type: word(row, delivery_type, &DeliveryType::ALL, DeliveryType::as_str)?,
        public_id: PublicId::from_cloud(column(row, public_id)?)
            .map_err(|error| odd(public_id, error))?,
    })
}

//! Reading columns. Both engines give integers as i64; what the schema forbids is said by name.

use sqlx::{Row as _, any::AnyRow};

use super::DbError;

/// A text that is never NULL; [`DbError::Other`] where it is, or the statement has no such column; the same
/// of all below.
pub fn text(row: &AnyRow, name: &str) -> Result<String, DbError> {
    Ok(row.try_get::<String, _>(name)?)
}

/// A text, or none where it is NULL.
pub fn text_or(row: &AnyRow, name: &str) -> Result<Option<String>, DbError> {
    Ok(row.try_get::<Option<String>, _>(name)?)
}

/// A number, or a time in microseconds, that is never NULL.
pub fn int(row: &AnyRow, name: &str) -> Result<i64, DbError> {
    Ok(row.try_get::<i64, _>(name)?)
}

/// The same, or none where it is NULL.
pub fn int_or(row: &AnyRow, name: &str) -> Result<Option<i64>, DbError> {
    Ok(row.try_get::<Option<i64>, _>(name)?)
}

/// A boolean, which both engines keep as 0 or 1.
pub fn flag(row: &AnyRow, name: &str) -> Result<bool, DbError> {
    Ok(int(row, name)? != 0)
}

/// An amount: never negative, never past u32.
pub fn amount(row: &AnyRow, name: &str) -> Result<u32, DbError> {
    let value = int(row, name)?;
    u32::try_from(value).map_err(|_| DbError::Unexpected(format!("{name} {value}")))
}

/// A TCP port, or none.
pub fn port_or(row: &AnyRow, name: &str) -> Result<Option<u16>, DbError> {
    let port =
        |value| u16::try_from(value).map_err(|_| DbError::Unexpected(format!("{name} {value}")));
    int_or(row, name)?.map(port).transpose()
}

/// A word of a closed list, or none.
pub fn word_or<T>(
    row: &AnyRow,
    name: &str,
    read: impl Fn(&str) -> Option<T>,
) -> Result<Option<T>, DbError> {
    match text_or(row, name)? {
        Some(_) => word(row, name, read).map(Some),
        None => Ok(None),
    }
}

/// A word of a closed list.
pub fn word<T>(row: &AnyRow, name: &str, read: impl Fn(&str) -> Option<T>) -> Result<T, DbError> {
    let value = text(row, name)?;
    read(&value).ok_or_else(|| DbError::Unexpected(format!("{name} {value}")))
}

//! Lists that come in pages.

use serde::Deserialize;
use server_api::page::{LIMIT_DEFAULT, LIMIT_MAX, Page};
use utoipa::IntoParams;

use super::problem::ApiError;

/// Which part of a list is wanted.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct PageQuery {
    /// What the page before said as `next`.
    pub cursor: Option<String>,
    /// Items at most.
    #[param(minimum = 1, maximum = 500)]
    pub limit: Option<u32>,
}

impl PageQuery {
    /// How many items are wanted.
    pub fn limit(&self) -> Result<usize, ApiError> {
        limit(self.limit)
    }

    /// Cuts the page out of a whole list that is in the order of its keys. Keys outlive their
    /// items: one that is gone still says where to go on.
    pub fn cut<T, U>(
        &self,
        all: Vec<T>,
        key: impl Fn(&T) -> &str,
        view: impl Fn(T) -> U,
    ) -> Result<Page<U>, ApiError> {
        let limit = self.limit()?;
        let after = self.cursor.as_deref().map(cursor_read).transpose()?;
        let mut rest: Vec<T> = all
            .into_iter()
            .filter(|item| after.is_none_or(|after| key(item) > after))
            .collect();
        let more = rest.len() > limit;
        rest.truncate(limit);
        let next = rest
            .last()
            .filter(|_| more)
            .map(|item| key(item).to_owned());
        Ok(Page {
            items: rest.into_iter().map(view).collect(),
            next,
        })
    }

    /// The cursor of a list of events: the id before which to go on.
    pub fn before(&self) -> Result<Option<i64>, ApiError> {
        let read = |text: &String| text.parse().ok().filter(|id| *id > 0);
        match &self.cursor {
            Some(text) => Ok(Some(read(text).ok_or_else(cursor_bad)?)),
            None => Ok(None),
        }
    }
}

/// How many items are wanted, where the limit is 1 to 500.
pub fn limit(limit: Option<u32>) -> Result<usize, ApiError> {
    let limit = limit.unwrap_or(LIMIT_DEFAULT);
    if !(1..=LIMIT_MAX).contains(&limit) {
        let words = format!("A limit is 1 to {LIMIT_MAX}.");
        return Err(ApiError::invalid("limit", "limit_invalid", words));
    }
    Ok(limit as usize)
}

/// Keys are UUIDs, or names; those of images have the most kinds of characters.
fn cursor_read(text: &str) -> Result<&str, ApiError> {
    let good = (1..=64).contains(&text.len())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-._/".contains(&byte));
    good.then_some(text).ok_or_else(cursor_bad)
}

fn cursor_bad() -> ApiError {
    let words = "The cursor is none of ours. Take the next of the page before, as it is.";
    ApiError::invalid("cursor", "cursor_invalid", words)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(cursor: Option<&str>, limit: u32) -> Page<String> {
        let query = PageQuery {
            cursor: cursor.map(str::to_owned),
            limit: Some(limit),
        };
        let all = vec!["a", "b", "c"];
        query
            .cut(all, |item| item, |item| item.to_owned())
            .ok()
            .unwrap()
    }

    #[test]
    fn pages_follow_each_other_to_the_end() {
        let first = page(None, 2);
        assert_eq!(
            (first.items.join(""), first.next.as_deref()),
            ("ab".into(), Some("b"))
        );
        let last = page(first.next.as_deref(), 2);
        assert_eq!((last.items.join(""), last.next), ("c".into(), None));
        assert_eq!(page(Some("bb"), 9).items.join(""), "c");
    }

    #[test]
    fn limits_and_cursors_that_are_none_are_refused() {
        assert!(limit(Some(0)).is_err() && limit(Some(501)).is_err() && limit(None).is_ok());
        for bad in ["", "a b", "%00", &"a".repeat(65)] {
            assert!(cursor_read(bad).is_err(), "{bad}");
        }
        for good in ["team/tools", "ubuntu-24.04", "0197-ab"] {
            assert!(cursor_read(good).is_ok(), "{good}");
        }
    }
}

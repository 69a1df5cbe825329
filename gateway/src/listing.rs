//! Pages of things that have a name: which part is asked for, and where the next one is.

use godwit_model::limits::{PAGE_ENTRIES_DEFAULT, PAGE_ENTRIES_MAX};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::problem::Problem;

/// Which part of a listing.
#[derive(Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Part {
    /// Things after this one, in the order of their names; from the first one if left out.
    pub(crate) after: Option<String>,
    /// Most things: 50 if not given, at most 500.
    pub(crate) limit: Option<usize>,
}

/// A page of things in the order of their names.
#[derive(Serialize, ToSchema)]
pub(crate) struct Listing<T> {
    /// The things.
    pub(crate) items: Vec<T>,
    /// Where the list goes on: a path of this door. Left out at the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) next: Option<String>,
}

impl Part {
    /// How many things a page holds at most.
    ///
    /// # Errors
    /// `invalid_field` for none.
    pub(crate) fn limit(&self) -> Result<usize, Problem> {
        match self.limit {
            Some(0) => Err(Problem::invalid("`limit` is at least 1")),
            limit => Ok(limit.unwrap_or(PAGE_ENTRIES_DEFAULT).min(PAGE_ENTRIES_MAX)),
        }
    }

    /// How many things to ask for: one more than a page holds tells whether there is a next one.
    pub(crate) fn ask(&self) -> Result<u64, Problem> {
        self.limit().map(|limit| limit as u64 + 1)
    }
}

impl<T> Listing<T> {
    /// A page out of what was found when [`Part::ask`] was asked for. `more` is what else the query holds, such as
    /// `&state=blocked`.
    pub(crate) fn of<R>(
        mut found: Vec<R>,
        (path, more): (&str, &str),
        part: &Part,
        name: impl Fn(&R) -> String,
    ) -> Result<Self, Problem>
    where
        T: From<R>,
    {
        let limit = part.limit()?;
        let has_more = found.len() > limit;
        found.truncate(limit);
        let last = found.last().filter(|_| has_more).map(name);
        Ok(Self {
            items: found.into_iter().map(T::from).collect(),
            next: last.map(|last| format!("{path}?after={last}&limit={limit}{more}")),
        })
    }
}

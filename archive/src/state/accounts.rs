//! The head of every account in about eight bytes each: account numbers are dense, so they lie in pages.

use godwit_model::AccountNo;

use super::Map;

/// Accounts of one page.
const PAGE: u64 = 128;
const PAGE_LENGTH: usize = 128;

/// Highest numbers of inboxes; 0 for those that have none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Accounts {
    pages: Map<u64, Box<[u64; PAGE_LENGTH]>>,
}

fn place(account: AccountNo) -> (u64, usize) {
    (account.0 / PAGE, usize::try_from(account.0 % PAGE).unwrap_or(0))
}

impl Accounts {
    pub(crate) fn get(&self, account: AccountNo) -> u64 {
        let (page, at) = place(account);
        self.pages.get(&page).map_or(0, |heads| heads[at])
    }

    pub(crate) fn raise(&mut self, account: AccountNo, seq: u64) {
        let (page, at) = place(account);
        let heads = self.pages.entry(page).or_insert_with(|| Box::new([0; PAGE_LENGTH]));
        heads[at] = heads[at].max(seq);
    }

    /// The highest account that has a number.
    pub(crate) fn highest(&self) -> Option<AccountNo> {
        let (page, heads) = self
            .pages
            .iter()
            .filter(|(_, heads)| heads.iter().any(|head| *head > 0))
            .max_by_key(|(page, _)| **page)?;
        let at = heads.iter().rposition(|head| *head > 0)?;
        Some(AccountNo(page * PAGE + at as u64))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heads_only_rise_whatever_the_account() {
        let mut accounts = Accounts::default();
        assert_eq!((accounts.highest(), accounts.get(AccountNo(7))), (None, 0));
        for account in [7, 127, 130, u64::MAX, 7] {
            accounts.raise(AccountNo(account), 5);
            accounts.raise(AccountNo(account), 3);
            assert_eq!(accounts.get(AccountNo(account)), 5);
            assert_eq!(accounts.get(AccountNo(account - 1)), 0);
        }
        assert_eq!(accounts.highest(), Some(AccountNo(u64::MAX)));
    }
}

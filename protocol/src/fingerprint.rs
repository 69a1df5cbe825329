//! Hashes that recognise a draft when it comes again, through whatever door.

use godwit_model::{AccountNo, Address, Draft, GroupNo, ServerId, TenantNo};

fn hash(parts: &[&[u8]]) -> u128 {
    let mut hasher = blake3::Hasher::new();
    for part in parts {
        // Lengths keep ("ab", "c") apart from ("a", "bc").
        hasher.update(&(part.len() as u64).to_le_bytes());
        hasher.update(part);
    }
    let mut first = [0; 16];
    first.copy_from_slice(hasher.finalize().as_bytes().first_chunk::<16>().unwrap_or(&[0; 16]));
    u128::from_le_bytes(first)
}

/// The key of a draft: tenant, effective sender, the sender's id.
pub fn draft_key(tenant: TenantNo, from: &str, id: &str) -> u128 {
    hash(&[b"draft", &tenant.0.to_le_bytes(), from.as_bytes(), id.as_bytes()])
}

/// The key under which a refusal of a draft is stored once.
pub fn refusal_key(tenant: TenantNo, from: &str, id: &str, code: &str) -> u128 {
    hash(&[
        b"refusal",
        &tenant.0.to_le_bytes(),
        from.as_bytes(),
        id.as_bytes(),
        code.as_bytes(),
    ])
}

/// The key under which an account's own devices are told once of what a draft said to a caller.
pub fn call_key(tenant: TenantNo, from: &str, id: &str) -> u128 {
    hash(&[b"call", &tenant.0.to_le_bytes(), from.as_bytes(), id.as_bytes()])
}

/// The key under which members are told once of a change of their group.
pub fn group_change_key(group: GroupNo, message_id: &str) -> u128 {
    hash(&[b"group change", &group.0.to_le_bytes(), message_id.as_bytes()])
}

/// The key of a page of a broadcast, so that it is sent once whatever happens on the way.
pub fn broadcast_key(broadcast_id: &str, page: u64) -> u128 {
    hash(&[b"broadcast", broadcast_id.as_bytes(), &page.to_le_bytes()])
}

/// The key of a request that makes something: the account and the request's own id.
pub fn request_key(account: AccountNo, id: &str) -> u128 {
    hash(&[b"request", &account.0.to_le_bytes(), id.as_bytes()])
}

/// The key of the notice that a message was taken back, so that it is told once.
pub fn notice_key(message: ServerId) -> u128 {
    hash(&[b"withdrawn", &message.0.to_le_bytes()])
}

/// What a draft says, to tell a repeat from another message under the same id: in the high half where it goes and as
/// what, in the low half its text as it was written. The client's clock is left out.
pub fn draft(draft: &Draft) -> u128 {
    let names = |addresses: &[Address]| {
        let mut names: Vec<String> = addresses.iter().map(Address::to_string).collect();
        names.sort_unstable();
        names.join(" ")
    };
    let (to, target) = (names(&draft.to), names(&draft.target));
    let route = hash(&[
        b"route",
        to.as_bytes(),
        target.as_bytes(),
        &[u8::from(draft.is_background)],
    ]);
    let text = hash(&[
        b"text",
        draft.kind.to_string().as_bytes(),
        draft.content.as_bytes(),
        draft.ext.as_bytes(),
    ]);
    (route & !LOW_HALF) | (text & LOW_HALF)
}

const LOW_HALF: u128 = u64::MAX as u128;

/// Whether two drafts' fingerprints agree in everything but how their text is written.
pub fn same_route(one: u128, other: u128) -> bool {
    one & !LOW_HALF == other & !LOW_HALF
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_differ_in_every_part() {
        let key = draft_key(TenantNo(1), "ab", "c");
        assert_eq!(key, draft_key(TenantNo(1), "ab", "c"));
        for other in [
            draft_key(TenantNo(2), "ab", "c"),
            draft_key(TenantNo(1), "a", "bc"),
            draft_key(TenantNo(1), "ab", "d"),
            refusal_key(TenantNo(1), "ab", "c", ""),
        ] {
            assert_ne!(key, other);
        }
    }
}

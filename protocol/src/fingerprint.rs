//! Hashes that recognise a draft when it comes again, through whatever door.

use godwit_model::TenantNo;

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

/// What a draft says, to tell a repeat from another message under the same id.
pub fn body(bytes: &[u8]) -> u128 {
    hash(&[b"body", bytes])
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

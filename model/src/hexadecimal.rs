//! Numbers in hexadecimal. Every delivery shows some, and what `write!` does for one takes longer than all of them here.

const DIGITS: &[u8; 16] = b"0123456789abcdef";

/// The digits of a number, without zeros before it.
pub(crate) fn short(mut number: u64, text: &mut [u8; 16]) -> &str {
    let mut first = text.len();
    loop {
        first -= 1;
        text[first] = DIGITS[(number & 0xf) as usize];
        number >>= 4;
        if number == 0 {
            break;
        }
    }
    ascii(&text[first..])
}

/// A UUID with its hyphens.
pub(crate) fn uuid(number: u128, text: &mut [u8; 36]) -> &str {
    let mut shift = u128::BITS;
    for (at, place) in text.iter_mut().enumerate() {
        *place = if matches!(at, 8 | 13 | 18 | 23) {
            b'-'
        } else {
            shift -= 4;
            DIGITS[((number >> shift) & 0xf) as usize]
        };
    }
    ascii(text)
}

fn ascii(text: &[u8]) -> &str {
    std::str::from_utf8(text).expect("digits and hyphens are ASCII")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn they_are_what_the_standard_library_writes() {
        for number in [0, 1, 15, 16, 0xabc_def0, u64::MAX] {
            assert_eq!(short(number, &mut [0; 16]), format!("{number:x}"));
        }
        let number = 0x0192_0000_0000_7abc_8def_0000_0000_0001;
        assert_eq!(uuid(number, &mut [0; 36]), "01920000-0000-7abc-8def-000000000001");
    }
}

//! The binary form of `numeric`: groups of four decimal digits (PostgreSQL: src/backend/utils/adt/numeric.c).

const NEGATIVE: u16 = 0x4000;
const NAN: u16 = 0xC000;
const INFINITY: u16 = 0xD000;
const NEGATIVE_INFINITY: u16 = 0xF000;

/// The number as text; nothing if these bytes are none.
pub(super) fn text(raw: &[u8]) -> Option<String> {
    let mut words = raw.chunks_exact(2).map(|pair| u16::from_be_bytes([pair[0], pair[1]]));
    let count = words.next()?;
    let weight = words.next()?.cast_signed();
    let sign = words.next()?;
    let scale = usize::from(words.next()?);
    let groups: Vec<u16> = words.collect();
    let minus = match sign {
        0 => "",
        NEGATIVE => "-",
        NAN => return Some("NaN".to_owned()),
        INFINITY => return Some("Infinity".to_owned()),
        NEGATIVE_INFINITY => return Some("-Infinity".to_owned()),
        _ => return None,
    };
    if groups.len() != usize::from(count) {
        return None;
    }
    // The group for 10000 to the power `power`; those that are not sent are zero.
    let group = |power: i16| {
        let index = usize::try_from(i32::from(weight) - i32::from(power)).ok();
        index.and_then(|index| groups.get(index)).copied().unwrap_or(0)
    };
    let whole: String = (0..=weight.max(0)).rev().map(|power| format!("{:04}", group(power))).collect();
    let whole = whole.trim_start_matches('0');
    let whole = if whole.is_empty() { "0" } else { whole };
    let powers = i16::try_from(scale.div_ceil(4)).ok()?;
    let mut fraction: String = (1..=powers).map(|power| format!("{:04}", group(-power))).collect();
    fraction.truncate(scale);
    let point = if scale == 0 { "" } else { "." };
    Some(format!("{minus}{whole}{point}{fraction}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(weight: i16, sign: u16, scale: u16, groups: &[u16]) -> Option<String> {
        let header = [groups.len() as u16, weight.cast_unsigned(), sign, scale];
        let bytes: Vec<u8> = header.iter().chain(groups).flat_map(|word| word.to_be_bytes()).collect();
        text(&bytes)
    }

    #[test]
    fn groups_become_digits_around_the_point() {
        assert_eq!(number(0, 0, 0, &[]).as_deref(), Some("0"));
        assert_eq!(number(1, 0, 2, &[1, 2345, 6700]).as_deref(), Some("12345.67"));
        assert_eq!(number(-1, NEGATIVE, 4, &[5]).as_deref(), Some("-0.0005"));
        assert_eq!(number(-2, 0, 8, &[12]).as_deref(), Some("0.00000012"));
        assert_eq!(number(2, 0, 1, &[1]).as_deref(), Some("100000000.0"));
        assert_eq!(number(0, NAN, 0, &[]).as_deref(), Some("NaN"));
    }

    #[test]
    fn what_is_cut_off_is_no_number() {
        assert_eq!(text(&[0, 1, 0, 0, 0, 0, 0, 0]), None);
        assert_eq!(text(&[0]), None);
    }
}

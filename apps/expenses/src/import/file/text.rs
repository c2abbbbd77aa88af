//! From bytes to text.

use std::{borrow::Cow, str};

use encoding_rs::WINDOWS_1252;

/// Reads each line as UTF-8 if it is that, else as Windows-1252.
///
/// Bodies glue together the exports of several systems, so that one file, even one record, can hold
/// both. The five bytes that Windows-1252 leaves undefined become U+FFFD.
pub(super) fn decode(bytes: &[u8]) -> Cow<'_, str> {
    if let Ok(text) = str::from_utf8(bytes) {
        return text.into();
    }
    let mut text = String::with_capacity(bytes.len() * 2);
    for line in bytes.split_inclusive(|&byte| byte == b'\n') {
        match str::from_utf8(line) {
            Ok(line) => text.push_str(line),
            Err(_) => text.extend(windows_1252(line).chars().map(defined)),
        }
    }
    text.into()
}

fn windows_1252(line: &[u8]) -> Cow<'_, str> {
    WINDOWS_1252.decode_without_bom_handling(line).0
}

/// The web's Windows-1252 reads undefined bytes as C1 controls, and no other byte as one.
fn defined(c: char) -> char {
    if ('\u{80}'..='\u{9F}').contains(&c) { char::REPLACEMENT_CHARACTER } else { c }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_that_is_not_utf_8_is_read_as_windows_1252() {
        assert_eq!(decode("Łódź €".as_bytes()), "Łódź €");
        assert_eq!(decode(b"A650 \x96 Hard Ings \x80\xA3\xFF"), "A650 – Hard Ings €£ÿ");
        assert_eq!(decode("é in both \u{e9} ".as_bytes()), "é in both é ");
    }

    #[test]
    fn each_line_of_a_record_is_read_on_its_own() {
        assert_eq!(decode(b"caf\xC3\xA9\ncaf\xE9\ncaf\xC3\xA9"), "café\ncafé\ncafé");
        assert_eq!(decode(b"\xC3\xA9 and \xE9"), "Ã© and é");
    }

    #[test]
    fn bytes_that_windows_1252_leaves_undefined_become_the_replacement_character() {
        assert_eq!(decode(b"\x81\x8D\x8F\x90\x9D"), "\u{FFFD}".repeat(5));
        let defined_bytes = (0x80..=0xFF).filter(|b| ![0x81, 0x8D, 0x8F, 0x90, 0x9D].contains(b));
        for byte in defined_bytes {
            assert!(!decode(&[byte]).contains('\u{FFFD}'), "{byte:#x}");
        }
    }
}

//! What holds for any file.

use proptest::{collection::vec, prelude::*};

use super::transcript::{escaped, transcript};

const HEADER: &str = "Payment Date,Amount,Organisational Unit,Beneficiary Name,Company Number,Charity Number";

/// Bytes that mean something to the format, and a few that do not.
fn bytes() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        4 => proptest::sample::select(vec![
            ",", "\"", "\n", "\r", "\r\n", "\"\"", "\",\"", ",,,,,", " ", "\u{FEFF}", "\0", "é",
            "2021-01-01,", "1,", "(1.00),", "u,s,,", "2021-01-01,1,u,s,,\n", HEADER,
        ])
        .prop_map(|piece| piece.as_bytes().to_vec()),
        1 => vec(any::<u8>(), 0..4),
    ];
    let file = (any::<bool>(), vec(piece, 0..40)).prop_map(|(header, pieces)| {
        let header = if header { format!("{HEADER}\n") } else { String::new() };
        [vec![header.into_bytes()], pieces].concat().concat()
    });
    prop_oneof![4 => file, 1 => vec(any::<u8>(), 0..200)]
}

/// Text that a quoted field brings through unchanged: trimmed, without NUL.
fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        proptest::sample::select(vec!["", "a", "\"", "\"\"", ",", "a\nb", "a\r\nb", "Ł\u{A0}é"])
            .prop_map(str::to_owned),
        any::<String>().prop_map(|text| crate::text::trim(&text.replace('\0', "")).to_owned()),
    ]
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('"', "\"\""))
}

proptest! {
    #[test]
    fn the_result_does_not_depend_on_where_the_chunks_are_cut(
        bytes in bytes(),
        cuts in vec(any::<prop::sample::Index>(), 0..8),
    ) {
        let mut cuts: Vec<_> = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).collect();
        cuts.extend([0, bytes.len()]);
        cuts.sort_unstable();
        let chunks = cuts.windows(2).map(|cut| &bytes[cut[0]..cut[1]]);
        let whole = transcript([bytes.as_slice()]);
        prop_assert_eq!(&transcript(chunks), &whole);
        prop_assert_eq!(&transcript(bytes.chunks(1)), &whole);
    }

    #[test]
    fn what_was_written_by_the_rules_is_read_back(
        rows in vec((any::<i32>(), text(), text(), text(), text()), 0..20),
        end in proptest::sample::select(vec!["\n", "\r\n"]),
    ) {
        let mut file = format!("{HEADER}{end}");
        let mut expected = Vec::new();
        let mut line = 2;
        for (pence, unit, supplier, company, charity) in rows {
            let sign = if pence < 0 { "-" } else { "" };
            let size = pence.unsigned_abs();
            let amount = format!("{sign}{}.{:02}", size / 100, size % 100);
            let texts = [unit, supplier, company, charity];
            let record = texts.each_ref().map(|text| quoted(text)).join(",");
            file += &format!("2021-01-01,{amount},{record}{end}");
            let fields = texts.each_ref().map(|text| escaped(text)).join("\t");
            expected.push(format!("imported\t{line}\t2021-01-01\t{pence}\t{fields}"));
            line += 1 + record.matches('\n').count();
        }
        let (events, result) = transcript([file.as_bytes()]);
        prop_assert_eq!(result, Ok(()));
        prop_assert_eq!(events, expected);
    }

    #[test]
    fn every_line_that_is_not_empty_is_accounted_for_where_nothing_is_quoted(
        lines in vec("[^\"\r\n]{0,20}", 0..40),
    ) {
        let file = format!("{HEADER}\n{}", lines.join("\n"));
        let (events, result) = transcript([file.as_bytes()]);
        prop_assert_eq!(result, Ok(()));
        prop_assert_eq!(events.len(), lines.iter().filter(|line| !line.is_empty()).count());
    }
}

//! The rules of the format, each with the bytes that tell whether it holds.

use super::{
    Event, FileError, Reader,
    reader::MAX_RECORD,
    rejection::Reason,
    transcript::{transcript, written},
};

const HEADER: &str = "Payment Date,Amount,Organisational Unit,Beneficiary Name,Company Number,Charity Number\n";

/// Reads the lines that follow a good header; the first of them is line 2.
fn read(lines: impl AsRef<[u8]>) -> Vec<String> {
    let (events, result) = transcript([HEADER.as_bytes(), lines.as_ref()]);
    assert_eq!(result, Ok(()));
    events
}

fn fault(file: impl AsRef<[u8]>) -> FileError {
    let (_, result) = transcript([file.as_ref()]);
    result.expect_err("the file is at fault")
}

#[test]
fn a_record_is_read_into_its_fields() {
    assert_eq!(
        read("2018-07-24,\"(5,873.14)\",Health,WSP UK LIMITED,01383511,1089893\n2018-07-25,7,,,,"),
        [
            "imported\t2\t2018-07-24\t-587314\tHealth\tWSP UK LIMITED\t01383511\t1089893",
            "imported\t3\t2018-07-25\t700\t\t\t\t",
        ]
    );
}

#[test]
fn quotes_commas_and_line_ends_inside_a_quoted_field_are_content() {
    for (field, content) in [
        ("\"Smith, Jones\"", "Smith, Jones"),
        ("\"\"", ""),
        ("\"\"\"\"", "\""),
        ("\"the \"\"best\"\" Ltd\"", "the \"best\" Ltd"),
        ("\"\"\"a\"\",\"\"b\"\"\"", "\"a\",\"b\""),
        ("\"a\r\nb\nc\rd\"", "a\\r\\nb\\nc\\rd"),
        ("\"  padded \u{A0}\"", "padded"),
    ] {
        for end in ["", "\n", "\r\n"] {
            let last = format!("2021-01-01,1,u,s,c,{field}{end}");
            let expected = format!("imported\t2\t2021-01-01\t100\tu\ts\tc\t{content}");
            assert_eq!(read(last), [expected], "{field}");

            let inner = format!("2021-01-01,1,u,{field},,{end}");
            let expected = format!("imported\t2\t2021-01-01\t100\tu\t{content}\t\t");
            assert_eq!(read(inner), [expected], "{field}");
        }
    }
}

#[test]
fn the_line_of_a_record_is_that_of_its_first_line_in_the_file() {
    let lines = "\n2021-01-01,1,u,\"two\nlines\",,\n\r\n2021-01-01,1,u,\"\n\n\n\",,\nx\n";
    assert_eq!(
        read(lines),
        [
            "imported\t3\t2021-01-01\t100\tu\ttwo\\nlines\t\t",
            "imported\t6\t2021-01-01\t100\tu\t\t\t",
            "rejected\t10\texpected 6 fields, found 1",
        ]
    );
}

#[test]
fn a_carriage_return_alone_ends_no_line() {
    assert_eq!(
        read("2021-01-01,1,\ru\r,a\rb,,\r\r\n2021-01-01,1,u,s,,\r"),
        ["imported\t2\t2021-01-01\t100\tu\ta\\rb\t\t", "imported\t3\t2021-01-01\t100\tu\ts\t\t",]
    );
}

#[test]
fn broken_quoting_rejects_its_record_and_swallows_no_line() {
    for broken in [
        "2021-01-01,1,u,ab\"c,,",
        "2021-01-01,1,u,ab\"c\",,",
        "2021-01-01,1,u,the \"best\" Ltd,,",
        "2021-01-01,1,u,\"abc\"def,,",
        "2021-01-01,1,u,\"abc\"def\",,",
        "2021-01-01,1,u,\"a\"b\"c\",,",
        "2021-01-01,1,u, \"abc\",,",
        "2021-01-01,1,u,\"abc\" ,,",
        "2021-01-01,1,u,\"abc\"\r,,",
        "2021-01-01,1,u,\"abc\"\r\"",
    ] {
        let events = read(format!("{broken}\n2021-01-01,1,u,next,,\n"));
        let reason = "the quoting of field 4 is broken on line 2 (a field that contains quotes \
                      must be wrapped in quotes, and those inside doubled)";
        assert_eq!(
            events,
            [format!("rejected\t2\t{reason}"), "imported\t3\t2021-01-01\t100\tu\tnext\t\t".to_owned()],
            "{broken}"
        );
    }
}

#[test]
fn a_rejection_names_all_lines_that_a_stray_quote_made_one_record() {
    let events = read(
        "2021-01-01,1,u,\"Smith,,\n2021-01-02,2,u,t,,\n2021-01-03,\"(3,000)\",u,v,,\n\
         2021-01-04,4,u,w,,\n",
    );
    assert_eq!(
        events,
        [
            "rejected\t2\tthe quoting of field 4 is broken on line 4 (a field that contains quotes \
             must be wrapped in quotes, and those inside doubled); lines 2 to 4 were read as one \
             record, held by its quotes",
            "imported\t5\t2021-01-04\t400\tu\tw\t\t",
        ]
    );
}

#[test]
fn a_quote_that_is_never_closed_is_a_fault_of_the_file() {
    let file = format!("{HEADER}2021-01-01,1,\"u\nu\",\"Smith,,\n2021-01-02,2,u,t,,\n");
    let error = fault(&file);
    assert_eq!(error, FileError::UnterminatedQuote { line: 2, opened: 3 });
    assert_eq!(
        error.to_string(),
        "the quote opened on line 3, in the record that begins on line 2, is never closed \
         (close it, or double the quotes that belong to the text)"
    );
    assert_eq!(fault("\""), FileError::UnterminatedQuote { line: 1, opened: 1 });
    assert_eq!(fault(format!("{HEADER}a\"b,\"")), FileError::UnterminatedQuote { line: 2, opened: 2 });
}

#[test]
fn an_empty_line_is_nothing_and_a_record_of_empty_fields_is_skipped() {
    assert_eq!(read(""), [""; 0]);
    assert_eq!(read("\n\r\n\n"), [""; 0]);
    for empty in [
        ",,,,,",
        " ",
        "\t",
        "\u{A0}",
        "\"\"",
        "\"\",\"\"",
        ",",
        ",,,,,,,,",
        " , ,\t,\u{3000},\"  \",",
        "\"\n\",,,,,",
        "\r",
    ] {
        assert_eq!(read(format!("{empty}\r\n")), ["skipped\t2"], "{empty:?}");
    }
    assert_eq!(read(b"\xA0,,,,,\xA0\n"), ["skipped\t2"]);
}

#[test]
fn a_record_must_have_six_fields() {
    for (line, found) in [
        ("2021-01-01,1,u,s,c", 5),
        ("2021-01-01,1,u,s,c,c,", 7),
        ("2021-01-01,1,234.00,u,s,c,c", 7),
        ("2021-01-01", 1),
        (",,,,,,,x", 8),
        (",\",\"", 2),
    ] {
        let expected = format!("rejected\t2\texpected 6 fields, found {found}");
        assert_eq!(read(line), [expected], "{line}");
    }
}

#[test]
fn a_wrong_date_or_amount_rejects_the_record_and_not_the_rest() {
    assert_eq!(
        read(
            "2021-02-30,1,u,s,,\n01/02/2021,1,u,s,,\n,1,u,s,,\n2021-01-01,\"1,23\",u,s,,\n\
             2021-01-01,,u,s,,\n2021-01-01,92233720368547758.08,u,s,,\n2021-01-01,1,u,s,,\n"
        ),
        [
            "rejected\t2\tdate \"2021-02-30\" is not a real date (expected YYYY-MM-DD)",
            "rejected\t3\tdate \"01/02/2021\" is not a real date (expected YYYY-MM-DD)",
            "rejected\t4\tdate \"\" is not a real date (expected YYYY-MM-DD)",
            "rejected\t5\tamount \"1,23\" is not an amount (expected digits and at most two \
             decimals, such as 1234.50, 1,234.50, -1234.50 or (1,234.50))",
            "rejected\t6\tamount \"\" is not an amount (expected digits and at most two \
             decimals, such as 1234.50, 1,234.50, -1234.50 or (1,234.50))",
            "rejected\t7\tamount \"92233720368547758.08\" is too large \
             (at most 92,233,720,368,547,758.07)",
            "imported\t8\t2021-01-01\t100\tu\ts\t\t",
        ]
    );
}

#[test]
fn a_nul_anywhere_rejects_the_record() {
    for line in ["2021-01-01,1,u,a\0b,,", "\x002021-01-01,1,u,s,,", "\0", ",,,,,\0", "ab\"c\0"] {
        assert_eq!(
            read(format!("{line}\n2021-01-01,1,u,s,,")),
            ["rejected\t2\tthe record contains a NUL byte", "imported\t3\t2021-01-01\t100\tu\ts\t\t"],
            "{line:?}"
        );
    }
}

#[test]
fn fields_are_trimmed_of_all_white_space_before_they_are_judged() {
    let line = "\u{A0}2021-01-01\t,\u{202F} 1,234.50 \u{A0},\u{3000}u v ,\u{FEFF}s, c ,\u{2007}";
    let quoted = line.replace("\u{202F} 1,234.50 \u{A0}", "\"\u{202F} 1,234.50 \u{A0}\"");
    assert_eq!(read(quoted), ["imported\t2\t2021-01-01\t123450\tu v\ts\tc\t"]);
}

#[test]
fn lines_that_are_not_utf_8_are_read_as_windows_1252() {
    assert_eq!(
        read(b"2021-01-01,1,caf\xE9 \x96,caf\xC3\xA9,,\n2021-01-01,1,\"caf\xC3\xA9\ncaf\xE9\",\x81,,\n"),
        ["imported\t2\t2021-01-01\t100\tcafé –\tcafÃ©\t\t", "imported\t3\t2021-01-01\t100\tcafé\\ncafé\t\u{FFFD}\t\t",]
    );
}

#[test]
fn genuine_duplicates_stay() {
    assert_eq!(read("2021-01-01,1,u,s,,\n".repeat(3)).len(), 3);
}

#[test]
fn the_header_may_follow_a_byte_order_mark_and_empty_lines() {
    let quoted = format!("\u{FEFF}\"{}\"\r\n", HEADER.trim_end().replace(',', "\",\""));
    for header in [format!("\u{FEFF}{HEADER}"), format!("\u{FEFF}\r\n\n{HEADER}"), quoted] {
        let file = format!("{header}2021-01-01,1,u,s,,");
        for chunk in [1, 2, file.len()] {
            let (events, result) = transcript(file.as_bytes().chunks(chunk));
            assert_eq!((events.len(), result), (1, Ok(())), "{header:?}");
        }
    }
}

#[test]
fn the_header_may_name_the_columns_in_any_order_and_case() {
    let header = "charity number,BENEFICIARY NAME, Organisational Unit ,Company Number,Amount,\
                  Payment Date";
    let (events, result) = transcript([format!("{header}\nch,s,u,co,1,2021-01-01").as_bytes()]);
    assert_eq!(events, ["imported\t2\t2021-01-01\t100\tu\ts\tco\tch"]);
    assert_eq!(result, Ok(()));
}

#[test]
fn a_file_without_a_header_is_empty() {
    for file in ["", "\n", "\r\n\r\n", "\u{FEFF}", "\u{FEFF}\n"] {
        assert_eq!(fault(file), FileError::NoHeader, "{file:?}");
    }
    assert_eq!(
        FileError::NoHeader.to_string(),
        "the file is empty (expected a header with the columns Payment Date, Amount, \
         Organisational Unit, Beneficiary Name, Company Number, Charity Number)"
    );
}

#[test]
fn a_wrong_header_names_what_is_missing_and_what_is_strange() {
    let expected = "(expected, in any order: Payment Date, Amount, Organisational Unit, \
                    Beneficiary Name, Company Number, Charity Number)";
    for (header, faults) in [
        ("Payment Date,Amount,Organisational Unit,Beneficiary Name,Company Number", "it lacks Charity Number"),
        (
            "Date,Amount,Organisational Unit,Beneficiary Name,Company Number,Charity Number",
            "it lacks Payment Date; it has \"Date\", unknown or repeated",
        ),
        (
            "Payment Date,Amount,Organisational Unit,Beneficiary Name,Company Number,\
             Charity Number,Notes,amount",
            "it has \"Notes\", \"amount\", unknown or repeated",
        ),
        (
            "PK\u{3}\u{4}",
            "it lacks Payment Date, Amount, Organisational Unit, Beneficiary Name, \
             Company Number, Charity Number; it has \"PK\\u{3}\\u{4}\", unknown or repeated",
        ),
        (
            ",,,,,,,,,,,,,,",
            "it lacks Payment Date, Amount, Organisational Unit, Beneficiary Name, \
             Company Number, Charity Number; \
             it has \"\", \"\", \"\", \"\", \"\", \"\", unknown or repeated",
        ),
    ] {
        let message = fault(format!("\n{header}\n2021-01-01,1,u,s,,\n")).to_string();
        let start = "line 2 is not the expected header: ";
        assert_eq!(message, format!("{start}{faults} {expected}"), "{header}");
    }
}

#[test]
fn a_header_that_is_no_record_is_a_fault_of_the_file() {
    let utf_16: Vec<u8> = HEADER.encode_utf16().flat_map(u16::to_le_bytes).collect();
    assert_eq!(
        fault(utf_16).to_string(),
        "line 1 should be the header, but the record contains a NUL byte \
         (send a CSV file in UTF-8 whose lines end in LF or CRLF)"
    );
    assert!(matches!(
        fault(HEADER.replace("Amount", "\"Amount\" ")),
        FileError::UnreadableHeader { line: 1, reason: Reason::Quoting { field: 2, line: 1 } }
    ));
}

#[test]
fn the_longest_record_is_read_and_a_longer_one_rejected_whatever_the_chunks() {
    let start = "2021-01-01,1,u,\"\n";
    let end = "\",,\n";
    for (longer, expected) in
        [(0, "imported\t2"), (1, "rejected\t2\tthe record is longer than 1048576 bytes; lines 2 to 3 were read as one")]
    {
        let name = "n".repeat(MAX_RECORD - start.len() - end.len() + longer);
        let file = format!("{HEADER}{start}{name}{end}2021-01-01,1,u,next,,");
        for chunk in [file.len(), MAX_RECORD / 3, 4096, 7] {
            let (events, result) = transcript(file.as_bytes().chunks(chunk));
            assert_eq!(result, Ok(()));
            assert!(events[0].starts_with(expected), "{}", &events[0][..80]);
            assert_eq!(events[1], "imported\t4\t2021-01-01\t100\tu\tnext\t\t");
        }
    }
}

#[test]
fn the_last_record_may_have_the_full_length_without_a_line_end() {
    let start = "2021-01-01,1,u,s,,";
    let file = format!("{HEADER}{start}{}", "n".repeat(MAX_RECORD - start.len()));
    let (events, result) = transcript([file.as_bytes()]);
    assert_eq!(result, Ok(()));
    assert!(events[0].starts_with("imported\t2"), "{}", &events[0][..80]);
}

#[test]
fn a_record_that_is_too_long_is_rejected_also_if_only_its_line_end_is_still_to_come() {
    let junk = "n".repeat(MAX_RECORD + 1);
    for rest in ["", "\n", "\r\n"] {
        let (events, result) = transcript([HEADER, &junk, rest].map(str::as_bytes));
        assert_eq!(events, ["rejected\t2\tthe record is longer than 1048576 bytes"], "{rest:?}");
        assert_eq!(result, Ok(()));
    }
}

#[test]
fn a_header_that_is_too_long_is_refused_before_its_end_arrives() {
    let mut reader = Reader::new();
    let error = reader.push(&vec![b'x'; MAX_RECORD + 1], |_| {}).expect_err("too long");
    assert_eq!(error, FileError::UnreadableHeader { line: 1, reason: Reason::TooLong });
}

#[test]
fn memory_stays_flat_in_a_quote_that_does_not_end() {
    let mut reader = Reader::new();
    reader.push(HEADER.as_bytes(), |_| {}).expect("the header is good");
    reader.push(b"2021-01-01,1,u,\"", |_| {}).expect("a record begins");
    let chunk = b"junk, and a line\n".repeat(4096);
    for _ in 0..1000 {
        reader.push(&chunk, |event| panic!("{event:?}")).expect("the quote may still close");
        assert!(reader.memory() <= 4 * MAX_RECORD, "{}", reader.memory());
    }

    let mut events = Vec::new();
    let next = b"\",,\n2021-01-01,1,u,next,,\n";
    reader.push(next, |event| events.push(written(&event))).expect("it closes");
    assert_eq!(
        events,
        [
            "rejected\t2\tthe record is longer than 1048576 bytes; \
             lines 2 to 4096002 were read as one record, held by its quotes",
            "imported\t4096003\t2021-01-01\t100\tu\tnext\t\t",
        ]
    );
    reader.finish(|_: Event<'_>| {}).expect("the file is good");
}

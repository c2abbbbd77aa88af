//! The real files, read by the importer and by `tests/reference.py`, compared record by record.

use std::{
    env,
    fs::{self, File},
    io::{BufRead, BufReader, Read},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use flate2::read::MultiGzDecoder;

use super::{Event, Reader, transcript::written};

#[derive(Debug, Default)]
struct Totals {
    imported: u64,
    skipped: u64,
    rejected: u64,
    pence: i64,
}

#[test]
fn real_files_are_read_as_the_reference_reads_them() {
    let files = real_files();
    if files.is_empty() {
        println!("skipped: no spending files; FREEHOLD_SHARED_DATA names the folder that has them");
        return;
    }
    if Command::new("python3").arg("--version").output().is_err() {
        println!("skipped: the reference needs python3");
        return;
    }
    for file in files {
        let (ours, reference) = compare(&file);
        println!("{}: {ours:?}, reference {reference:?}", file.display());
        assert_eq!(format!("{ours:?}"), format!("{reference:?}"));
    }
}

fn real_files() -> Vec<PathBuf> {
    let data = env::var_os("FREEHOLD_SHARED_DATA")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data"), PathBuf::from);
    let Ok(folder) = fs::read_dir(data.join("public-spending")) else {
        return Vec::new();
    };
    let mut files: Vec<_> = folder
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "gz"))
        .collect();
    files.sort();
    files
}

/// Reads the file both ways in step, and returns the totals of each.
fn compare(file: &Path) -> (Totals, Totals) {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/reference.py");
    let mut python = Command::new("python3").args([script.as_path(), file]).stdout(Stdio::piped()).spawn().unwrap();
    let mut expected = BufReader::new(python.stdout.take().unwrap()).lines();

    let (mut ours, mut reference) = (Totals::default(), Totals::default());
    let mut check = |event: Event<'_>| {
        let line = expected.next().expect("the reference goes on").unwrap();
        reference.add(&line);
        // Only the importer says why; the reference has the kind and the line.
        let event = written(&event);
        let comparable = if event.starts_with("rejected") {
            event.splitn(3, '\t').take(2).collect::<Vec<_>>().join("\t")
        } else {
            event
        };
        ours.add(&comparable);
        assert_eq!(comparable, line);
    };

    let mut bytes = MultiGzDecoder::new(File::open(file).unwrap());
    let mut reader = Reader::new();
    let mut chunk = vec![0; 16 * 1024];
    loop {
        match bytes.read(&mut chunk).unwrap() {
            0 => break,
            read => reader.push(&chunk[..read], &mut check).unwrap(),
        }
    }
    reader.finish(&mut check).unwrap();
    assert!(expected.next().is_none(), "the reference has more records");
    assert!(python.wait().unwrap().success());
    (ours, reference)
}

impl Totals {
    fn add(&mut self, line: &str) {
        let mut fields = line.split('\t');
        match fields.next() {
            Some("imported") => {
                self.imported += 1;
                self.pence += fields.nth(2).unwrap().parse::<i64>().unwrap();
            }
            Some("skipped") => self.skipped += 1,
            Some("rejected") => self.rejected += 1,
            other => panic!("unknown event {other:?}"),
        }
    }
}

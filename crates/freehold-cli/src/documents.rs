//! What the documents tell people to type.

use std::fs;
use std::path::Path;

use clap::Parser;
use clap::error::ErrorKind;
use freehold_control::Rule;
use freehold_scan::Recipe;
use pulldown_cmark::{CodeBlockKind, Event, Tag, TagEnd};

use crate::cli::Cli;
use crate::settings::File;

/// Languages of blocks that are typed, or run by others.
const TYPED: [&str; 3] = ["sh", "console", "yaml"];

/// What a document says of the program.
#[derive(Default)]
struct Document {
    /// Blocks, with their languages.
    blocks: Vec<(String, String)>,
    /// Code in running text.
    spans: Vec<String>,
}

impl Document {
    fn parse(text: &str) -> Self {
        let mut document = Self::default();
        let mut block: Option<(String, String)> = None;
        for event in pulldown_cmark::Parser::new_ext(text, pulldown_cmark::Options::ENABLE_TABLES) {
            match event {
                Event::Start(Tag::CodeBlock(CodeBlockKind::Fenced(kind))) => {
                    block = Some((kind.into_string(), String::new()));
                }
                Event::End(TagEnd::CodeBlock) => document.blocks.extend(block.take()),
                Event::Text(text) => block.iter_mut().for_each(|(_, block)| block.push_str(&text)),
                Event::Code(code) => document.spans.push(code.into_string()),
                _ => {}
            }
        }
        document
    }

    /// What is wrong with the commands of this program in it, and how many there are.
    fn faults(&self) -> (Vec<String>, usize) {
        let typed = self.blocks.iter().filter(|(kind, _)| TYPED.contains(&kind.as_str()));
        let shown = typed.map(|(_, text)| (text, false));
        let named = self.spans.iter().map(|span| (span, true));
        let (mut faults, mut seen) = (Vec::new(), 0);
        for (text, is_named) in shown.chain(named) {
            for words in commands(text) {
                seen += 1;
                match Cli::try_parse_from(&words) {
                    // Running text may name a command without what belongs to it.
                    Err(error) if !(is_named && is_incomplete(error.kind())) => {
                        faults.push(format!("{}: {error}", words.join(" ")));
                    }
                    _ => {}
                }
            }
        }
        (faults, seen)
    }
}

fn is_incomplete(kind: ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::MissingRequiredArgument
            | ErrorKind::MissingSubcommand
            | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand
    )
}

/// The commands of this program in a text for a shell: their words, the program's name first.
fn commands(text: &str) -> Vec<Vec<String>> {
    let mut commands = Vec::new();
    for line in text.replace("\\\n", " ").lines() {
        let line = line.trim_start();
        let line = line.strip_prefix("$ ").or_else(|| line.strip_prefix("- run: ")).unwrap_or(line);
        let Some(words) = shlex::split(line) else { continue };
        for command in words.split(|word| ["|", "&", "&&", ";"].contains(&word.as_str())) {
            let begin = command.iter().position(|word| !word.contains('=')).unwrap_or(0);
            let is_ours = command.get(begin).is_some_and(|word| word.rsplit('/').next() == Some("freehold"));
            if is_ours && command.len() > begin + 1 {
                let words = command[begin..].iter().take_while(|word| !word.starts_with('>'));
                commands.push(words.cloned().collect());
            }
        }
    }
    commands
}

#[test]
fn every_command_of_the_documents_can_be_typed() {
    let (mut faults, mut seen) = (Vec::new(), 0);
    look_through(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../.."), &mut |path, text| {
        let (found, commands) = Document::parse(&text).faults();
        faults.extend(found.into_iter().map(|fault| format!("{}: {fault}", path.display())));
        seen += commands;
    });
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    assert!(seen > 60, "only {seen} commands were found");
}

#[test]
fn documents_count_the_rules_that_there_are() {
    let rules = format!("{} rules", Rule::all().len());
    for path in ["README.md", "CHANGELOG.md", "docs/concepts/comparison.md", "docs/operate/check.md"] {
        assert!(read(path).contains(&rules), "{path} does not say that there are {rules}");
    }
}

/// A file, by its path below the root of the repository.
fn read(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(path)).unwrap()
}

/// The configuration that a document shows.
fn configuration(path: &str) -> String {
    let mut blocks = Document::parse(&read(path)).blocks.into_iter();
    blocks.find_map(|(kind, text)| (kind == "toml").then_some(text)).unwrap()
}

#[test]
fn the_configuration_that_documents_show_can_be_read() {
    toml::from_str::<File>(&configuration("docs/operate/servers.md")).unwrap();
    let recipe = configuration("docs/operate/scan.md");
    let read = toml::from_str::<Recipe>(&recipe).unwrap();
    assert_eq!((read.bodies.len(), read.leave.len(), read.twins.len()), (1, 1, 0));
    // With what it shows as another way.
    let whole = recipe.replace("\n# ", "\n");
    let whole: String =
        whole.lines().filter(|line| !line.starts_with("Or ")).fold(String::new(), |text, line| text + line + "\n");
    assert_eq!(toml::from_str::<Recipe>(&whole).unwrap().twins.len(), 1);
}

/// Every document of the repository.
fn look_through(folder: &Path, look: &mut impl FnMut(&Path, String)) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        let is_others = name.starts_with('.') || ["target", "node_modules"].contains(&name);
        if path.is_dir() && !is_others {
            look_through(&path, look);
        } else if path.extension().is_some_and(|extension| extension == "md") {
            look(&path, fs::read_to_string(&path).unwrap());
        }
    }
}

#[test]
fn a_command_that_is_not_there_is_seen_wherever_it_stands() {
    let text = "Say `freehold tenant sing`, not `freehold tenant`.\n\n\
        ```sh\ntarget/debug/freehold statis\nA=b freehold status --jsn && echo freehold\n\
        freehold check \\\n    --rule FH1   # all\nfreehold check | freehold doctor --poole x >out\n```\n\n\
        ```text\nfreehold sings\n```\n\n```console\n$ freehold pg strat\n```\n";
    let (faults, seen) = Document::parse(text).faults();
    let said: Vec<&str> = faults.iter().filter_map(|fault| fault.split_once(':').map(|(words, _)| words)).collect();
    assert_eq!(
        said,
        [
            "target/debug/freehold statis",
            "freehold status --jsn",
            "freehold check --rule FH1",
            "freehold doctor --poole x",
            "freehold pg strat",
            "freehold tenant sing",
        ]
    );
    assert_eq!(seen, 8);
}

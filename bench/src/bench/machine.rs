//! What a measurement ran on, and who used the processors meanwhile.

use std::fs;

/// Processor time since a start, in seconds, of everybody and of those who belong to the measurement.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Cpu {
    /// Everything that was not idle.
    pub(crate) busy: f64,
    /// This process: clients.
    pub(crate) clients: f64,
    /// The database server.
    pub(crate) server: f64,
}

impl Cpu {
    /// Reads what was used so far; `server` is the process id of the server's postmaster. Zero where there is no `/proc`.
    pub(crate) fn read(server: u32) -> Self {
        let busy = fs::read_to_string("/proc/stat").unwrap_or_default();
        let fields: Vec<f64> = busy
            .lines()
            .next()
            .unwrap_or_default()
            .split_whitespace()
            .skip(1)
            .filter_map(|field| field.parse().ok())
            .collect();
        // user nice system idle iowait irq softirq steal
        let idle: f64 = fields.iter().skip(3).take(2).sum();
        let busy = fields.iter().take(8).sum::<f64>() - idle;
        let (mut clients, mut of_server) = (0.0, 0.0);
        for entry in fs::read_dir("/proc").into_iter().flatten().flatten() {
            let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse::<u32>().ok()) else { continue };
            let Some(Process { parent, own, children }) = process(pid) else { continue };
            if pid == std::process::id() {
                clients += own;
            }
            // A backend that ended counts among the children of the postmaster.
            if pid == server {
                of_server += own + children;
            }
            if parent == server {
                of_server += own;
            }
        }
        const TICKS: f64 = 100.0;
        Self { busy: busy / TICKS, clients: clients / TICKS, server: of_server / TICKS }
    }

    pub(crate) fn since(self, earlier: Self) -> Self {
        Self {
            busy: self.busy - earlier.busy,
            clients: self.clients - earlier.clients,
            server: self.server - earlier.server,
        }
    }

    /// What neither clients nor the server used.
    pub(crate) fn foreign(self) -> f64 {
        (self.busy - self.clients - self.server).max(0.0)
    }
}

impl std::ops::AddAssign for Cpu {
    fn add_assign(&mut self, other: Self) {
        self.busy += other.busy;
        self.clients += other.clients;
        self.server += other.server;
    }
}

/// Ticks that a process used, and its ended children.
struct Process {
    parent: u32,
    own: f64,
    children: f64,
}

fn process(pid: u32) -> Option<Process> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name in parentheses may hold anything; numbers start behind it.
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    let number = |index: usize| fields.get(index)?.parse::<f64>().ok();
    Some(Process {
        parent: fields.get(1)?.parse().ok()?,
        own: number(11)? + number(12)?,
        children: number(13)? + number(14)?,
    })
}

/// The machine in a line: processors, memory, system.
pub(crate) fn description() -> String {
    let cores = std::thread::available_parallelism().map_or(0, |cores| cores.get());
    let read = |path| fs::read_to_string(path).unwrap_or_default();
    let field = |text: &str, mark: &str| {
        text.lines().find_map(|line| Some(line.strip_prefix(mark)?.trim_matches([':', '=', '"', ' ', '\t']).to_owned()))
    };
    let kilobytes =
        field(&read("/proc/meminfo"), "MemTotal").and_then(|text| text.split(' ').next()?.parse::<f64>().ok());
    let system = field(&read("/etc/os-release"), "PRETTY_NAME").unwrap_or_else(|| std::env::consts::OS.to_owned());
    format!("{cores} cores, {:.0} GiB, {system}", kilobytes.unwrap_or_default() / 1024.0 / 1024.0)
}

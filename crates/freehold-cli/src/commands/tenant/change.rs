use std::io::{IsTerminal, Write};
use std::time::Duration;

use freehold::tenant::Slug;
use freehold_control::{Change, ControlPlane};

use super::{actor, show};
use crate::cli;
use crate::failure::Advised;
use crate::input::Lines;
use crate::json::{Deleted, Document};
use crate::settings::Settings;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

pub(super) async fn set(settings: &Settings, control: &ControlPlane, set: cli::Set) -> anyhow::Result<()> {
    let plan = if set.no_plan { Some(None) } else { set.plan.map(Some) };
    let changes = [set.name.map(Change::Name), plan.map(Change::Plan), set.read_only.then_some(Change::ReadOnly)];
    for change in changes.into_iter().flatten() {
        control.change(&set.change.slug, &change, &actor(), &set.change.reason).await?;
    }
    show(settings, &control.tenant(&set.change.slug).await?)
}

pub(super) async fn rename(
    settings: &Settings,
    control: &ControlPlane,
    change: cli::Change,
    to: Slug,
    reserve_days: u32,
) -> anyhow::Result<()> {
    let rename = Change::Rename { to: to.clone(), reserve: DAY * reserve_days };
    control.change(&change.slug, &rename, &actor(), &change.reason).await?;
    show(settings, &control.tenant(&to).await?)
}

pub(super) async fn suspend(settings: &Settings, control: &ControlPlane, change: cli::Change) -> anyhow::Result<()> {
    control.change(&change.slug, &Change::Suspend, &actor(), &change.reason).await?;
    show(settings, &control.tenant(&change.slug).await?)
}

pub(super) async fn resume(settings: &Settings, control: &ControlPlane, change: cli::Change) -> anyhow::Result<()> {
    control.change(&change.slug, &Change::Resume, &actor(), &change.reason).await?;
    show(settings, &control.tenant(&change.slug).await?)
}

pub(super) async fn delete(
    settings: &Settings,
    control: &ControlPlane,
    change: cli::Change,
    grace_days: u32,
    yes: bool,
) -> anyhow::Result<()> {
    if !yes {
        confirm(&change.slug).await?;
    }
    let grace = DAY * grace_days;
    control.change(&change.slug, &Change::Delete { grace }, &actor(), &change.reason).await?;
    let shown = Deleted { slug: change.slug.as_str(), grace_days };
    settings.output.print(&Document::Deleted(shown), || match grace_days {
        0 => format!("{} is erased", change.slug),
        days => format!("{} is locked, and will be erased in {days} days", change.slug),
    })
}

pub(super) async fn undelete(settings: &Settings, control: &ControlPlane, change: cli::Change) -> anyhow::Result<()> {
    control.change(&change.slug, &Change::Undelete, &actor(), &change.reason).await?;
    show(settings, &control.tenant(&change.slug).await?)
}

/// Has the slug typed again, where somebody is there to type.
async fn confirm(slug: &Slug) -> anyhow::Result<()> {
    let refused = |problem: &str| {
        Advised::new(format!("{slug} is not deleted: {problem}"), "say --yes to delete without being asked")
    };
    if !std::io::stdin().is_terminal() {
        return Err(refused("nobody confirmed it").into());
    }
    write!(std::io::stderr(), "This deletes all data of {slug}. Type its slug to go on: ")?;
    let typed = Lines::read().next().await?.unwrap_or_default();
    if typed.trim() == slug.as_str() { Ok(()) } else { Err(refused("another name was typed").into()) }
}

use askama::Template;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use freehold::isolation::{Access, Scope, Sqlx};

use crate::failure::Failure;
use crate::input::Id;
use crate::mail::Mail;
use crate::people::invite::{self, NewInvitation, Pending};
use crate::people::member::{self, Member};
use crate::people::{Role, remove as removal, update};
use crate::session::Person;
use crate::web::{Browser, Form, Frame, Notice, Page, Place, to};

#[derive(Template)]
#[template(path = "people/list.html")]
struct People {
    frame: Frame,
    members: Vec<Member>,
    /// Owners see who was invited.
    pending: Vec<Pending>,
    form: Form,
}

impl People {
    const PLACE: Place = Place::People;

    async fn read<A: Access>(mut scope: Scope<Sqlx, A>, frame: Frame, form: Form) -> Result<Self, Failure> {
        let members = member::all(&mut scope).await?;
        let pending = if frame.person.role == Role::Owner { invite::pending(&mut scope).await? } else { Vec::new() };
        Ok(Self { frame, members, pending, form })
    }

    fn changes_people(&self) -> bool {
        self.frame.person.role == Role::Owner
    }

    fn is_self(&self, member: &Member) -> bool {
        member.id == self.frame.person.id
    }

    /// Whether the organisation needs them to stay what they are.
    fn is_last_owner(&self, member: &Member) -> bool {
        member.role == Role::Owner && self.members.iter().filter(|member| member.role == Role::Owner).count() == 1
    }
}

/// Who is in the organisation, and who is to be.
pub(super) async fn list(browser: Browser) -> Result<Response, Failure> {
    let (scope, frame) = browser.read().await?;
    let form = Form::of([("role", Role::Member.to_string())]);
    Ok(Page::of(People::read(scope, frame, form).await?).into_response())
}

/// Invites somebody by mail.
pub(super) async fn invite(browser: Browser, State(mail): State<Mail>, mut form: Form) -> Result<Response, Failure> {
    let new = invitation(&mut form);
    let (mut scope, frame) = browser.write().await?;
    let Some(new) = new else {
        // Others have no form that could be wrong.
        member::check_owner(&frame.person, "owners invite people")?;
        return Ok(Page::refusing(People::read(scope, frame, form).await?).into_response());
    };
    match invite::apply(&mut scope, &mail, &frame.person, &new).await {
        Ok(_) => {
            mail.commit(scope).await?;
            to("/people", Notice::Invited)
        }
        Err(Failure::Refused(problem)) if ["member_exists", "too_many_mails"].contains(&problem.code()) => {
            form.refuse("email", problem.detail_text().unwrap_or_default());
            Ok(Page::with_status(problem.status(), People::read(scope, frame, form).await?).into_response())
        }
        Err(failure) => Err(failure),
    }
}

fn invitation(form: &mut Form) -> Option<NewInvitation> {
    let (email, role) = (form.read("email"), form.read("role"));
    Some(NewInvitation { email: email?, role: role? })
}

/// Sends an invitation again.
pub(super) async fn repeat(browser: Browser, State(mail): State<Mail>, Id(id): Id) -> Result<Response, Failure> {
    let (mut scope, frame) = browser.write().await?;
    invite::repeat(&mut scope, &mail, &frame.person, id).await?;
    mail.commit(scope).await?;
    to("/people", Notice::InvitationMailed)
}

/// Makes an invitation worthless.
pub(super) async fn withdraw(browser: Browser, Id(id): Id) -> Result<Response, Failure> {
    let (mut scope, frame) = browser.write().await?;
    invite::withdraw(&mut scope, &frame.person, id).await?;
    scope.commit().await?;
    to("/people", Notice::InvitationWithdrawn)
}

/// Changes what somebody may do.
pub(super) async fn change_role(browser: Browser, Id(id): Id, mut form: Form) -> Result<Response, Failure> {
    let role = form.read::<Role>("role").ok_or_else(|| Failure::invalid("the form is broken: open it again"))?;
    let (mut scope, frame) = browser.write().await?;
    update::apply(&mut scope, &frame.person, id, Some(role)).await?;
    scope.commit().await?;
    to("/people", Notice::RoleChanged)
}

/// Removes somebody. Who removes themselves is logged out by that.
pub(super) async fn remove(browser: Browser, Id(id): Id) -> Result<Response, Failure> {
    let (mut scope, frame) = browser.write().await?;
    removal::apply(&mut scope, &frame.person, id).await?;
    scope.commit().await?;
    let Person { id: own, .. } = frame.person;
    if id == own { to("/login", Notice::LoggedOut) } else { to("/people", Notice::PersonRemoved) }
}

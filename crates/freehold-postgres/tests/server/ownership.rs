//! Several handles and processes, one directory.

use std::sync::Barrier;

use freehold_postgres::{Server, ServerError};

use crate::support::{Place, eventually, kill, owner_process, sql};

#[test]
fn a_second_start_is_told_where_the_first_server_is() {
    let place = Place::new();
    let first = place.server().start().unwrap();
    let error = place.server().start().unwrap_err();
    let ServerError::AlreadyRunning { socket_dir, port, pid, .. } = &error else { panic!("{error}") };
    assert_eq!((socket_dir.as_path(), *port, *pid), (first.socket_dir(), first.port(), first.pid()));
}

#[test]
fn of_eight_starters_one_owns_the_server_and_all_reach_it() {
    let place = Place::new();
    let barrier = Barrier::new(8);
    let handles: Vec<Server> = std::thread::scope(|scope| {
        let starters: Vec<_> = (0..8)
            .map(|_| {
                scope.spawn(|| {
                    barrier.wait();
                    place.server().start_or_attach().unwrap()
                })
            })
            .collect();
        starters.into_iter().map(|starter| starter.join().unwrap()).collect()
    });
    assert_eq!(handles.iter().filter(|handle| handle.is_owner()).count(), 1);
    for handle in &handles {
        assert_eq!(handle.url("postgres"), handles[0].url("postgres"));
        assert_eq!(sql(handle, "select 1"), "1");
    }
}

#[test]
fn an_attached_handle_leaves_the_server_running_when_dropped_and_stops_it_when_told() {
    let place = Place::new();
    let mut owner = place.server().start().unwrap();
    let mut attached = Server::attach(place.join("pg")).unwrap();
    assert!(matches!(attached.restart(), Err(ServerError::NotOwner { .. })));
    drop(attached);
    assert!(owner.is_running());
    Server::attach(place.join("pg")).unwrap().stop().unwrap();
    eventually("the owner sees that its server is gone", || !owner.is_running());
}

#[test]
fn a_detached_server_outlives_its_handle_and_is_no_orphan() {
    let place = Place::new();
    place.server().start().unwrap().detach().unwrap();
    assert!(Server::sweep(place.path()).unwrap().is_empty());
    assert!(matches!(place.server().start(), Err(ServerError::AlreadyRunning { .. })));

    let attached = place.server().start_or_attach().unwrap();
    assert!(!attached.is_owner());
    attached.stop().unwrap();
    assert!(place.server().start().unwrap().is_owner());
}

#[test]
fn a_server_that_another_handle_detaches_outlives_its_owner() {
    let place = Place::new();
    let owner = place.server().start().unwrap();
    Server::attach(place.join("pg")).unwrap().detach().unwrap();
    owner.leave().unwrap();
    let attached = Server::attach(place.join("pg")).unwrap();
    assert_eq!(sql(&attached, "select 1"), "1");
    attached.stop().unwrap();

    // Nothing of that is left for the next one.
    place.server().start().unwrap().leave().unwrap();
    assert!(matches!(Server::attach(place.join("pg")), Err(ServerError::NotRunning { .. })));
}

#[test]
fn a_start_replaces_the_server_of_a_killed_process() {
    let place = Place::new();
    let mut owner = owner_process(&place.join("pg"));
    let orphan = Server::attach(place.join("pg")).unwrap();
    sql(&orphan, "create table kept as select 42 as answer");
    kill(owner.id());
    owner.wait().unwrap();
    assert_eq!(sql(&orphan, "select 1"), "1", "the orphan should have survived");

    let server = place.server().start().unwrap();
    assert!(server.is_owner());
    assert_ne!(server.pid(), orphan.pid());
    assert_eq!(sql(&server, "select answer from kept"), "42");
}

#[test]
fn a_sweep_stops_orphans_and_nothing_else() {
    let place = Place::new();
    let owned = Server::builder(place.join("owned")).durable(false).start().unwrap();
    std::fs::create_dir(place.join("something else")).unwrap();
    let mut owner = owner_process(&place.join("orphan"));
    assert!(Server::sweep(place.path()).unwrap().is_empty());

    kill(owner.id());
    owner.wait().unwrap();
    let swept = Server::sweep(place.path()).unwrap();
    assert_eq!(swept, [place.join("orphan")]);
    assert!(matches!(Server::attach(place.join("orphan")), Err(ServerError::NotRunning { .. })));
    assert_eq!(sql(&owned, "select 1"), "1");
}

//! Answers that everybody gets, and answers at some addresses only: what they prove of a tenant, and what they don't.

use roundsman_checks::diagnosis::{Cause, Confidence, Diagnosis, Status, diagnose};
use roundsman_checks::evidence::{Answer, Reason, Retry, StepStatus, Visit};
use roundsman_checks::expectation::{Identity, Place, SiteExpectation};
use roundsman_checks::finding::{Check, Outcome};
use roundsman_checks::target::Hostname;
use roundsman_checks::world::{TenantEvidence, World};

use crate::{healthy, told};

/// What a visit got: a status, a header and a body in which `{}` is the name.
type Said = (u16, Option<(&'static str, &'static str)>, &'static str);

fn give(visit: &mut Visit, (status, header, body): Said) {
    let mut answer = Answer {
        version: "2".into(),
        status,
        ..Answer::default()
    };
    let named = |text: &str| text.replace("{}", visit.name.as_str());
    answer
        .headers
        .extend(header.map(|(key, value)| (key.to_owned(), named(value))));
    answer.body.prefix = named(body);
    answer.body.complete = true;
    visit.page.answer = Some(answer);
    visit.page.end = StepStatus::Done;
}

fn tenants(world: &mut World) -> impl Iterator<Item = &mut TenantEvidence> {
    world.tenants.iter_mut()
}

/// The healthy world, where a name that exists nowhere gets this, and the first `count` tenants too.
fn like_nobody(said: Said, count: usize) -> World {
    let mut world = healthy();
    world.edge.controls.iter_mut().for_each(|control| give(control, said));
    for tenant in tenants(&mut world).take(count) {
        tenant.visits.iter_mut().for_each(|visit| give(visit, said));
    }
    world
}

fn causes(diagnosis: &Diagnosis) -> Vec<Cause> {
    diagnosis.causes.iter().map(|entry| entry.cause).collect()
}

#[test]
fn one_page_for_every_name_is_no_fault() {
    let mut world = like_nobody((200, None, "<html>the app, whatever the name</html>"), usize::MAX);
    for tenant in tenants(&mut world) {
        std::sync::Arc::make_mut(&mut tenant.expectation).site = SiteExpectation::default();
    }
    let diagnosis = diagnose(&world);
    assert_eq!(causes(&diagnosis), []);
    for verdict in &diagnosis.tenants {
        assert_eq!(verdict.status, Status::Healthy);
        assert_eq!(verdict.findings.of(Check::Route).reason, Some(Reason::NotIdentifiable));
    }
}

#[test]
fn what_one_of_many_gets_like_nobody_is_its_own_and_what_all_get_is_not() {
    let unknown = (404, None, "no tenant {}");
    let diagnosis = diagnose(&like_nobody(unknown, 1));
    assert_eq!(causes(&diagnosis), [Cause::TenantUnknownToEdge]);
    let all = like_nobody(unknown, usize::MAX);
    let diagnosis = diagnose(&all);
    assert_eq!(causes(&diagnosis), [Cause::PlatformOutage]);
    assert_eq!(diagnosis.causes[0].tenants.len(), all.tenants.len());
}

/// A page that is right for every name, and names nobody where it should name an app.
#[test]
fn who_answers_as_for_nobody_and_names_nobody_known_is_likely_unknown() {
    let mut world = like_nobody((200, Some(("x-app", "landing-page")), "welcome"), 1);
    let site = SiteExpectation {
        identity: Identity::Place(Place::Header("x-app".into())),
        ..SiteExpectation::default()
    };
    std::sync::Arc::make_mut(&mut world.tenants[0].expectation).site = site;
    let diagnosis = diagnose(&world);
    assert_eq!(causes(&diagnosis), [Cause::TenantUnknownToEdge]);
    assert_eq!(diagnosis.causes[0].confidence, Confidence::Likely);
}

#[test]
fn a_wall_refuses_us_and_proves_nothing_of_a_tenant() {
    for wall in [
        (401, Some(("www-authenticate", "Basic")), "who are you?"),
        (403, None, "<h1>Forbidden</h1> ray 8f1c2d3e4a5b6c7d for {}"),
        (407, None, ""),
        (302, Some(("location", "https://id.example/login?next=https://{}/")), ""),
        (
            403,
            Some(("cf-mitigated", "challenge")),
            "<title>Just a moment...</title>",
        ),
    ] {
        let all = like_nobody(wall, usize::MAX);
        let diagnosis = diagnose(&all);
        assert_eq!(causes(&diagnosis), [Cause::EdgeAccessDenied], "{wall:?}");
        let entry = &diagnosis.causes[0];
        assert_eq!(
            (entry.confidence, entry.tenants.len()),
            (Confidence::Confirmed, all.tenants.len())
        );
        assert!(format!("{:?}", entry.remedy).contains("request_headers"), "{entry:?}");
        assert!(told(entry)[0].contains("a made-up name"), "{:?}", told(entry));
        // Where others are let through, the edge does not refuse us.
        let diagnosis = diagnose(&like_nobody(wall, 1));
        assert!(!causes(&diagnosis).contains(&Cause::EdgeAccessDenied), "{wall:?}");
        // Unknown names may be sent to a login as well.
        let unknown = causes(&diagnosis).contains(&Cause::TenantUnknownToEdge);
        assert_eq!(unknown, wall.0 == 302, "{wall:?}");
    }
}

#[test]
fn a_limit_hides_and_blames_nobody() {
    for limit in [(429, None, "slow down"), (503, Some(("retry-after", "30")), "busy")] {
        for count in [1, usize::MAX] {
            let diagnosis = diagnose(&like_nobody(limit, count));
            assert_eq!(causes(&diagnosis), [Cause::EdgeRateLimited], "{limit:?}");
            let first = &diagnosis.tenants[0];
            assert_eq!(first.status, Status::Unknown);
            assert_eq!(first.findings.of(Check::Site).outcome, Outcome::Unknown);
        }
        // A name that exists nowhere is not limited: the app itself is.
        let mut world = healthy();
        give(&mut world.tenants[0].visits[0], limit);
        assert_eq!(causes(&diagnose(&world)), [Cause::SiteStatus], "{limit:?}");
    }
}

#[test]
fn an_id_that_is_a_word_is_told_from_the_word() {
    let like = |own: &str, control: &str| {
        let mut world = healthy();
        let tenant = &mut world.tenants[0];
        let known = std::sync::Arc::make_mut(&mut tenant.tenant);
        known.hostname = Hostname::parse("in.tenants.test").unwrap();
        for visit in &mut tenant.visits {
            visit.name = known.hostname.clone();
            give(visit, (404, None, ""));
            own.clone_into(&mut visit.page.answer.as_mut().unwrap().body.prefix);
        }
        for visit in &mut world.edge.controls {
            let label = visit.name.as_str().split('.').next().unwrap().to_owned();
            give(visit, (404, None, ""));
            visit.page.answer.as_mut().unwrap().body.prefix = control.replace("{}", &label);
        }
        causes(&diagnose(&world)).contains(&Cause::TenantUnknownToEdge)
    };
    assert!(like(
        "nothing inside, in here, for in",
        "nothing inside, in here, for {}"
    ));
    assert!(like("nothing in IN.TENANTS.TEST", "nothing in {}.tenants.test"));
    assert!(!like("nothing inside", "nothing {}side"));
    assert!(!like("page of the app in", "no tenant {}"));
}

#[test]
fn a_page_that_another_address_gives_is_a_warning() {
    let mut world = healthy();
    let other = world.edge.sockets().nth(1).unwrap();
    let tenant = &mut world.tenants[0];
    let mut first = tenant.visits[0].clone();
    tenant.visits[0].address = other;
    first.address = world.edge.controls[0].address;
    first.page.end = StepStatus::failed(Reason::HttpClosed, "closed");
    first.page.answer = None;
    tenant.visits.insert(0, first);
    let verdict = diagnose(&world).tenants[0].clone();
    let site = verdict.findings.of(Check::Site);
    assert_eq!((site.outcome, site.reason), (Outcome::Warn, Some(Reason::HttpClosed)));
    assert_eq!(verdict.findings.of(Check::Route).outcome, Outcome::Pass);
}

#[test]
fn a_refused_request_that_another_visit_makes_good_is_healthy() {
    let mut world = healthy();
    let tenant = &mut world.tenants[0];
    let visit = tenant.visits[0].clone();
    let refused = &mut tenant.visits[0];
    refused.page.end = StepStatus::failed(Reason::HttpClosed, "GOAWAY");
    refused.page.answer = None;
    refused.refused = refused
        .page
        .end
        .reason()
        .map(|reason| roundsman_checks::evidence::Fault::new(reason, "GOAWAY"));
    tenant.retries.push(Retry { visit, control: None });
    let diagnosis = diagnose(&world);
    assert_eq!(
        (causes(&diagnosis), diagnosis.tenants[0].status),
        (vec![], Status::Healthy)
    );
}

use super::*;

fn plan(text: &str) -> Plan {
    Plan::new(&Scenario::parse(&format!("name = \"a\"\n{text}"), "a").unwrap(), 3)
}

fn present_at(plan: &Plan, at_s: f64) -> usize {
    let at = us(at_s);
    let is_there = |session: &&Session| {
        session.join_at_us <= at && session.leave_at_us.is_none_or(|leave_at| leave_at > at)
    };
    plan.sessions.iter().filter(is_there).count()
}

#[test]
fn churn_keeps_its_rates() {
    let plan = plan("");
    let came = plan.sessions.len() - 500;
    let went = plan.sessions.iter().filter(|session| session.leave_at_us.is_some()).count();
    // 659 s at 50 a minute, within three standard deviations and the drift of the number present.
    assert!((480..=620).contains(&came), "{came}");
    assert!((460..=640).contains(&went), "{went}");
    let silent = plan.sessions.iter().filter(|session| session.is_silent).count();
    assert!((10..=50).contains(&silent), "{silent}");
    assert!(plan.sessions.is_sorted_by_key(|session| session.join_at_us));
    assert!(plan.present_max >= 500 && plan.present_max < 650, "{}", plan.present_max);
}

const CALM: &str = "[population]\ninitial = 50\njoins-per-minute = 0\nleaves-per-minute = 0\n";

#[test]
fn a_flash_crowd_comes_in_its_time() {
    let plan = plan(&format!("{CALM}flash = [{{ at-s = 10, over-s = 60, clients = 450 }}]"));
    assert_eq!(present_at(&plan, 129.0), 50);
    assert_eq!(present_at(&plan, 160.0), 275 + 1);
    assert_eq!(present_at(&plan, 190.0), 500);
}

#[test]
fn a_sweep_leads_there_and_back() {
    let sweep =
        "sweep = [{ at-s = 0, over-s = 100, clients = 1000 }, { at-s = 200, over-s = 100, clients = 0 }]";
    let plan = plan(&format!("{CALM}{sweep}"));
    assert_eq!(present_at(&plan, 221.0), 1_000);
    assert!((present_at(&plan, 170.0) as i64 - 525).abs() < 15, "{}", present_at(&plan, 170.0));
    assert_eq!(present_at(&plan, 421.0), 0);
}

#[test]
fn a_share_vanishes_at_once() {
    let fault = "[[faults]]\nkind = \"mass-departure\"\nat-s = 30\nshare = 0.3";
    let plan = plan(&format!("{CALM}{fault}"));
    assert_eq!((present_at(&plan, 149.9), present_at(&plan, 150.1)), (50, 35));
    assert_eq!(plan.sessions.iter().filter(|session| session.is_silent).count(), 15);
}

#[test]
fn a_trace_says_when_somebody_comes_and_goes() {
    let mut scenario = Scenario::parse(&format!("name = \"a\"\n{CALM}"), "a").unwrap();
    scenario.population.read_trace("# evening\n20, join\n10, join\n30, leave\n", "t.csv").unwrap();
    let plan = Plan::new(&scenario, 3);
    let present = [129.9, 130.1, 140.1, 150.1].map(|at_s| present_at(&plan, at_s));
    assert_eq!(present, [50, 51, 52, 51]);
}

#[test]
fn a_step_beyond_a_day_is_no_step() {
    for seconds in ["inf", "NaN", "1e300", "-1", "86401"] {
        let mut population = crate::scenario::PopulationSpec::default();
        let refused = population.read_trace(&format!("{seconds},join"), "t.csv");
        let text = refused.expect_err(seconds).to_string();
        assert!(text.contains("line 1") && text.contains("86400"), "{text}");
    }
}

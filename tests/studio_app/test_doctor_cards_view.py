"""The doctor's cards on the page. Oracle: the findings of the session, and its settings."""

from studio_pages import SMALL, wait_until

TOO_LARGE = {**SMALL, "training": {"optimizer": "sgd", "learning_rate": 300.0}}


def test_a_remedy_is_shown_verified_and_applied(studio):
    page = studio.open(TOO_LARGE)
    page.get_by_test_id("diagnose").click()
    card = page.get_by_test_id("finding_0")
    card.wait_for()
    studio.settle(page)
    finding = studio.session(page)._cards.findings[0]
    text = card.inner_text()
    assert all(part in text for part in (finding.symptom, finding.consequence, finding.remedy))
    assert card.get_by_role("heading").inner_text() in ("Problem", "Note")
    assert f"[{finding.rule}]" in card.inner_text()
    card.get_by_test_id("verify").click()
    page.set_default_timeout(60_000)
    verification = page.get_by_test_id("verification")
    verification.wait_for()
    assert verification.inner_text().startswith("It helps.")
    card.get_by_test_id("apply").click()
    studio.settle(page)
    assert studio.experiment(page).settings.training.learning_rate < 300
    assert page.get_by_test_id("note").inner_text() == f"The remedy is applied: {finding.remedy}"


def test_a_sound_start_has_no_finding(studio):
    page = studio.open(SMALL)
    page.get_by_test_id("diagnose").click()
    page.get_by_test_id("no_findings").wait_for()
    assert not studio.session(page)._cards.findings


def test_findings_of_the_run_appear_by_themselves(studio):
    page = studio.open(TOO_LARGE)
    page.get_by_test_id("steps_per_picture").select_option("100")
    page.get_by_test_id("play").click()
    step = page.get_by_test_id("position_step")
    wait_until(lambda: int(step.get_attribute("data-value")) >= 1000)
    page.get_by_test_id("play").click()
    page.get_by_test_id("finding_0").wait_for()
    studio.settle(page)
    finding = studio.session(page)._cards.findings[0]
    assert finding.symptom in page.get_by_test_id("finding_0").inner_text()

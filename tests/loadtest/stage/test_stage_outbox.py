"""What the outbox owes, read from the connector's own exposition."""

from unittest.mock import Mock

import pytest
import requests
from loadtest.stage.outbox import OutboxReading, read_outbox

from connector.adapters.telemetry.operator_view import OperatorView


def test_what_waits_is_read_from_the_connectors_own_exposition() -> None:
    view = OperatorView(None)
    for state, count in {"pending": 3, "retry_at": 2, "delivered": 90, "parked": 1}.items():
        view.outbox(state, count)
    view.outbox_oldest(61.5)
    view.inbox(4)
    view.attendance_awaited(2)
    assert OutboxReading.of(view.exposition().decode()) == OutboxReading(5, 61.5, 4, 2)


def test_labels_of_another_order_of_numbers_are_read_too() -> None:
    exposition = 'connector_outbox_messages{state="pending"} 1.2e+04\n'
    assert OutboxReading.of(exposition) == OutboxReading(12_000, -1, -1)


def test_a_connector_that_tells_nothing_is_not_taken_for_an_empty_one() -> None:
    assert OutboxReading.of("# nothing\n") == OutboxReading(-1, -1)


@pytest.mark.parametrize("trouble", [requests.ConnectionError, requests.Timeout])
def test_a_connector_that_does_not_answer_tells_nothing(trouble: type[Exception]) -> None:
    session = Mock(spec=requests.Session)
    session.get.side_effect = trouble
    assert read_outbox(session, "https://connector") == OutboxReading()


def test_a_refusal_is_no_exposition() -> None:
    session = Mock(spec=requests.Session)
    session.get.return_value.ok = False
    assert read_outbox(session, "https://connector") == OutboxReading()

"""Graph's date-times: ISO 8601 in UTC with up to seven digits of a second."""

from datetime import UTC, datetime

from connector.ports.errors import BadAnswer


def instant(value: object, field: str) -> datetime:
    """Aware UTC; a text without a zone is UTC, as Graph documents.

    Raises:
        BadAnswer: `field`, not a date-time.
    """
    try:
        moment = datetime.fromisoformat(value)  # type: ignore[arg-type]  # not text: TypeError
        aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        return aware.astimezone(UTC)
    except (TypeError, ValueError, OverflowError) as malformed:
        raise BadAnswer(field) from malformed


def graph_text(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")

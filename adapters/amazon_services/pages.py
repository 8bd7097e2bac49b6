"""GET /service/v1/serviceJobs, page by page: what was updated since the last round, and a little more."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from adapters.amazon_services.codes import JOBS, JSON, WANTED
from adapters.amazon_services.reader import READ_AT, payload
from adapters.amazon_services.settings import Settings
from adapters.amazon_services.writer import job_path
from adapters.contract import Page, PageRequest, RawMessage
from adapters.errors import MalformedMessage, Problem
from adapters.objects import minified
from adapters.reading import strict_json

PAGE_SIZE = 20  # their most
OVERLAP = timedelta(minutes=5)
"""What a round reads again: their clock is not ours, and a job may be told a little after its update."""
FRESH = timedelta(minutes=30)
"""How long a page of theirs is asked for. After that the round begins anew: nobody says how long they keep a token."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cursor:
    """A round: `since` when, whether it is the `first`, when it `began`, the `token` of its next page, how many jobs
    were `read`. `alone` are the jobs still to be read one by one. Times are RFC 3339."""

    since: str
    first: bool = False
    began: str | None = None
    token: str | None = None
    read: int = 0
    alone: tuple[str, ...] = ()

    @classmethod
    def of(cls, text: str | None, now: datetime, settings: Settings) -> "Cursor":
        if text is None:
            return cls(since=_text(now - timedelta(days=settings.start_days)), first=True)
        told = json.loads(text)
        cursor = cls(**{**told, "alone": tuple(told["alone"])})
        if cursor.began is None or now - datetime.fromisoformat(cursor.began) <= FRESH:
            return cursor
        return cursor.after() if cursor.token is None else replace(cursor, began=None, token=None, read=0)

    @property
    def alone_now(self) -> str | None:
        """The job to be read by itself: one by one, behind the pages, so that one that fails holds nobody else up."""
        return self.alone[0] if self.began and self.token is None and self.alone else None

    def after(self) -> "Cursor":
        """The next round."""
        began = datetime.fromisoformat(self.began or self.since)
        return Cursor(since=_text(began - OVERLAP), alone=self.alone)


def request(text: str | None, now: datetime, settings: Settings) -> PageRequest:
    """A job alone, or a page. Their parameters stay the same from page to page, and nothing bounds a round above: who
    is updated meanwhile must not move the others to a page that was read already."""
    cursor = Cursor.of(text, now, settings)
    if cursor.alone_now:
        return PageRequest(path=job_path(cursor.alone_now), headers={"accept": JSON})
    query = (
        ("marketplaceIds", settings.marketplace_id),
        ("lastUpdatedAfter", cursor.since),
        ("sortField", "JOB_DATE"),
        ("sortOrder", "ASC"),
        ("pageSize", str(PAGE_SIZE)),
        # What had ended before we came was never ours.
        *((("serviceJobStatus", ",".join(WANTED)),) if cursor.first else ()),
        *((("pageToken", cursor.token),) if cursor.token else ()),
    )
    return PageRequest(path=JOBS, query=query, headers={"accept": JSON})


def read(response: RawMessage, text: str | None, now: datetime, settings: Settings) -> Page:
    """Raises `TranslationError` where this is neither the page nor the job that was asked for."""
    cursor = Cursor.of(text, now, settings)
    found = payload(strict_json(response.body))
    if cursor.alone_now:
        then = replace(cursor, alone=cursor.alone[1:])
        return _page([found], then, now)
    jobs = found.get("jobs")
    if not isinstance(jobs, list):
        raise MalformedMessage(
            [Problem(pointer="/payload/jobs", code="no_page", detail="This is not a page of service jobs.")]
        )
    short = [name for job in jobs if (name := _name(job)) is not None and _is_short(job)]
    count = cursor.read + len(jobs)
    then = replace(
        cursor,
        began=cursor.began or _text(now),
        token=_next(found, cursor, jobs, count),
        read=count,
        alone=tuple(dict.fromkeys((*cursor.alone, *short))),
    )
    return _page([job for job in jobs if _name(job) not in short], then, now)


def _page(jobs: list[Any], then: Cursor, now: datetime) -> Page:
    more = then.token is not None or bool(then.alone)
    documents = tuple(
        RawMessage(body=minified(job), media_type=JSON, path=JOBS, method="GET", query={READ_AT: _text(now)})
        for job in jobs
    )
    return Page(documents=documents, cursor=json.dumps(asdict(then if more else then.after())), more=more)


def _next(found: Mapping[str, Any], cursor: Cursor, jobs: list[Any], count: int) -> str | None:
    """Their own example has a next page behind the last one, which is the same again: what they counted counts too."""
    token, total = found.get("nextPageToken"), found.get("totalResultSize")
    over = isinstance(total, int) and count >= total
    return token if isinstance(token, str) and token and token != cursor.token and jobs and not over else None


def _name(job: Any) -> str | None:
    name = job.get("serviceJobId") if isinstance(job, dict) else None
    return name if isinstance(name, str) and 1 <= len(name) <= 100 else None


def _is_short(job: Mapping[str, Any]) -> bool:
    """Nearly every member is optional, and nobody promises that a list has them: a visit without its place is read by
    itself."""
    place = job.get("serviceLocation")
    return job.get("serviceJobStatus") in WANTED and not (isinstance(place, dict) and place.get("address"))


def _text(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")

"""Telling people: a chat webhook (provider http) and mail (provider smtp), as the configuration says.

A message that can't be delivered is logged and forgotten: it never fails a run.
"""

from __future__ import annotations

import html
import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from retail_sync.settings.models.schedules import Notify

log = logging.getLogger("retail_sync")

RUN_NOTE = "run_note"
"""XCom key of the text that becomes the note of the DAG run."""
PROBLEM = "problem"
"""XCom key under which a failing task leaves its error."""
SECONDS = 15
_LONGEST_TEXT = 3_000


def tell_of_failure(context: Mapping[str, Any]) -> None:
    """`on_failure_callback` of the task that ends a run: one message a run, with what went wrong where."""
    instance = context["ti"]
    try:
        gathered = instance.xcom_pull(task_ids=instance.task_id, key=PROBLEM, default=None)
    except Exception:
        log.exception("What went wrong could not be read back.")
        gathered = None
    exception = context.get("exception")
    reason = gathered or (str(exception) if exception else "see the log")
    _tell(
        f"{instance.dag_id}: the run failed",
        f"{instance.dag_id}, run {instance.run_id}, task {instance.task_id} failed.\n{reason}\n{_link(instance)}",
    )


def tell_of_holds(notify: Notify, entity: str, before: int, holds: Mapping[str, int], instance: Any) -> None:
    """Tell when more records are held than configured; only when their number rose, not every hour again."""
    total = sum(holds.values())
    if total <= notify.holds_above or total <= before:
        return
    by_code = ", ".join(f"{count} {code}" for code, count in holds.items())
    send(
        notify,
        f"{entity}: {total} records are held",
        f"{entity}: {total} records are held ({by_code}), more than {notify.holds_above}.\n{_link(instance)}",
    )


async def tell_of_old_data(*, dag_id: str, minutes: int, **_: Any) -> None:
    """Deadline callback: a run that was queued `minutes` ago is still not finished. Runs in the triggerer, because a
    callback in an executor may not read connections (Airflow 3.3.2 answers it with a refusal)."""
    import asyncio

    await asyncio.to_thread(
        _tell,
        f"{dag_id}: data gets old",
        f"{dag_id}: a run that was due {minutes} minutes ago has not finished. "
        "Look whether its tasks wait for a pool, for the other system, or for a worker.",
    )


def send(notify: Notify, subject: str, text: str) -> list[str]:
    """Send to everybody configured; the channels that took it. Never raises."""
    text = text[:_LONGEST_TEXT].strip()
    channels = {"http": (notify.http_conn_id, _post), "smtp": (notify.smtp_conn_id, _mail)}
    delivered = []
    for name, (connection, deliver) in channels.items():
        if not connection:
            continue
        try:
            deliver(notify, subject, text)
        except Exception as problem:
            # The error's text may hold the webhook's secret address.
            log.warning(
                "The message %r could not be sent through the connection %s (%s). What to do: check it in Admin, "
                "Connections.",
                subject,
                connection,
                type(problem).__name__,
            )
        else:
            delivered.append(name)
    return delivered


def _tell(subject: str, text: str) -> None:
    from retail_sync.records.errors import SyncError
    from retail_sync.settings.loader import load_settings

    try:
        notify = load_settings().notify
    except SyncError as problem:
        log.warning("Nobody could be told, the configuration can't be read: %s", problem)
        return
    send(notify, subject, text)


def _post(notify: Notify, subject: str, text: str) -> None:
    from airflow.providers.http.hooks.http import HttpHook

    hook = HttpHook(method="POST", http_conn_id=str(notify.http_conn_id))
    hook.run(notify.http_endpoint or None, json={"text": text}, extra_options={"timeout": SECONDS})


def _mail(notify: Notify, subject: str, text: str) -> None:
    from airflow.providers.smtp.hooks.smtp import SmtpHook

    if not notify.mail_to:
        raise ValueError("notify.mail_to is empty")
    with SmtpHook(smtp_conn_id=str(notify.smtp_conn_id)) as hook:
        hook.send_email_smtp(
            to=list(notify.mail_to),
            subject=f"[retail-sync] {subject}",
            html_content=f"<pre>{html.escape(text)}</pre>",
            from_email=notify.mail_from,
        )


def _link(instance: Any) -> str:
    return str(getattr(instance, "log_url", "") or "")

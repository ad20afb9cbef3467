"""Messages that a killed worker had taken and not acknowledged."""

from __future__ import annotations

from typing import Any

from kombu import Connection


def requeue_abandoned(redis_url: str, transport_options: dict[str, Any]) -> None:
    """Gives every unacknowledged message back to its queue now, instead of after the visibility timeout.

    Only right while no worker runs on this broker, because a running worker's messages are unacknowledged
    too.
    """
    with Connection(
        redis_url, transport_options={**transport_options, "visibility_timeout": 0}
    ) as connection:
        queue_state = connection.default_channel.qos
        with queue_state.channel.conn_or_acquire() as client:
            # A worker that was killed while it swept itself left this lock for five minutes.
            client.delete(queue_state.unacked_mutex_key)
        queue_state.restore_visible(num=1_000_000, interval=1)

from channels.testing import ApplicationCommunicator

from master_app import jobs
from master_app.tests.clients import SECONDS, Visitors, connected
from webapp.asgi import application


class Workers(Visitors):
    """What runworker does with a job."""

    async def test_a_measurement_reaches_everyone(self):
        scope = {'type': 'channel', 'channel': jobs.MEASURE}
        worker = ApplicationCommunicator(application, scope)
        async with connected('/ws/readings/', self.ada) as ada:
            await worker.send_input({'type': 'measure.load', 'id': 'one'})
            reading = await ada.receive_json_from(SECONDS)
            self.assertIn(reading['value'], range(101))
        worker.stop()

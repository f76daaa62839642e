from asgiref.sync import async_to_sync
from django.conf import settings
from django.http import HttpResponse, HttpResponseBadRequest
from django.shortcuts import render
from django.views.decorators.http import require_POST

from master_app import readings
from master_app.messages import Publish


def page(request):
    """The page with the live numbers."""
    response = render(request, 'master_app/page.html')
    # The notebook shows it in a frame. Nobody may once it is deployed.
    response.xframe_options_exempt = settings.DEBUG
    return response


@require_POST
def publish(request):
    """Publish the value that a form sends."""
    try:
        value = int(request.POST['value'])
        message = Publish(type='publish', value=value)
    except (KeyError, ValueError):
        return HttpResponseBadRequest('value: a number from 0 to 100')
    async_to_sync(readings.publish)(message.value)
    return HttpResponse(status=204)

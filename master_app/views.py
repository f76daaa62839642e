from hmac import compare_digest

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.http import (
    HttpResponse,
    HttpResponseBadRequest,
    HttpResponseForbidden,
)
from django.shortcuts import render
from django.views.decorators.http import require_POST
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from master_app import readings
from master_app.messages import Publish


@login_required
def page(request):
    """The page with the live numbers."""
    response = render(request, 'master_app/page.html', {
        'may_publish': readings.may_publish(request.user),
    })
    # The notebook shows it in a frame. Nobody may once it is deployed.
    response.xframe_options_exempt = settings.DEBUG
    return response


@require_POST
def publish(request):
    """Publish the value that a form sends."""
    if not readings.may_publish(request.user):
        return HttpResponseForbidden('Only staff may publish.')
    try:
        value = int(request.POST['value'])
        message = Publish(type='publish', value=value)
    except (KeyError, ValueError):
        return HttpResponseBadRequest('value: a number from 0 to 100')
    readings.store(message.value)
    return HttpResponse(status=204)


def metrics(request):
    """The numbers of this process, for the staff and for Prometheus."""
    if not request.user.is_staff and not has_token(request):
        return HttpResponseForbidden('For the staff.')
    return HttpResponse(generate_latest(), content_type=CONTENT_TYPE_LATEST)


def has_token(request):
    """Whether whoever asks knows the token."""
    given = request.headers.get('Authorization', '').encode()
    token = settings.METRICS_TOKEN
    return bool(token) and compare_digest(given, f'Bearer {token}'.encode())

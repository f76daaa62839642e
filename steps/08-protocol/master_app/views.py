from django.conf import settings
from django.shortcuts import render


def page(request):
    """The page with the live numbers."""
    response = render(request, 'master_app/page.html')
    # The notebook shows it in a frame. Nobody may once it is deployed.
    response.xframe_options_exempt = settings.DEBUG
    return response

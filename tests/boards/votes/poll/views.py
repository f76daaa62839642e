from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer
from django.contrib.auth.decorators import login_required
from django.db import transaction
from django.http import HttpResponse
from django.shortcuts import render

from poll.models import Vote


@login_required
def show(request):
    return render(request, "town.html")


@login_required
def cast(request):
    vote = Vote.objects.create(choice=request.POST["choice"])
    event = {"type": "vote.cast", "mark": vote.pk, "choice": vote.choice}
    tell = async_to_sync(get_channel_layer().group_send)
    transaction.on_commit(lambda: tell("votes", event))
    return HttpResponse("Thank you.")

from django.contrib.auth.decorators import login_required
from django.shortcuts import render

from counter.messages import DESKS


@login_required
def board(request):
    """The screen; whoever works here has the buttons, too."""
    return render(request, 'counter/board.html', {
        'desks': range(1, DESKS + 1),
    })

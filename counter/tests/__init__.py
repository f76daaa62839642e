"""python manage.py test counter"""

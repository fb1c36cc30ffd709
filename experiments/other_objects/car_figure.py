def car_figure(normaliser, path):
    pass

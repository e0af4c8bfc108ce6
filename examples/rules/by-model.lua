-- Presses of model P9 belong to the European hub; everything else is spread evenly.
payload.model == "P9" and "hub1" or hashed(hubs)

"""Attribution: who brought a customer and who serves them: codes, touches, bindings, policies, posters."""

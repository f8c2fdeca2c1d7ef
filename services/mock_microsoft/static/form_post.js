// response_mode=form_post: the page sends itself; without JavaScript a person presses Continue.
document.getElementById("form-post").submit();

// Sends the form on to the EHR without a click; the Continue button is there if this does not run.

document.getElementById("post-on").submit();

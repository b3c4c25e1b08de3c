// On a phone the current page's tab may be beyond the edge.
const current = document.querySelector(".top nav [aria-current=page]");
function reveal() {
  if (current) current.closest("nav").scrollLeft = current.offsetLeft - 48;
}
reveal();
